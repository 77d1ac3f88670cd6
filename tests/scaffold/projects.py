"""Projects made from mlgit's own templates, and those that ran: once for all tests of whatever file."""

from mlgit import __version__
from mlgit.scaffold import answers, library
from mlgit.scaffold.create import create
from tests.kit import dvc, example
from tests.kit.once import copied, once

FACTS = {"mlgit_version": __version__, "mlgit_source": f"mlgit=={__version__}"}


def complete(name, **given):
    manifest = library.load(name).manifest
    return answers.resolve(manifest, given=given, facts={"folder": "my-model", **FACTS})


def feature_sets(name):
    """Every feature alone, none, and all of them."""
    choices = [each.choices for each in library.load(name).manifest.questions if each.name == "features"]
    features = [choice for found in choices for choice in found]
    return [(), *((each,) for each in features), *([tuple(features)] if len(features) > 1 else [])]


def made(folder, name, **given):
    create(folder, template=library.load(name), answers=complete(name, **given))
    return folder


def reproduced(shared, target, *, name, features):
    """A copy of a project of these features that `dvc repro` ran."""

    def make(folder):
        root = made(folder / "p", name, package_name="example_project", **({"features": features} if features else {}))
        assert dvc(root, "repro", env=example.environment()).code == 0

    return copied(once(shared, "-".join(("reproduced", name, *features)), make) / "p", target)
