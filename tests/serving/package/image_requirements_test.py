"""What an image is installed with: the lock's own words, held against uv itself where it is there."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from mlgit.serving.package import image_requirements, server_pins, uv_lock
from mlgit.serving.package.uv_lock import UnhashedError

CONSTRAINTS = Path(__file__).parents[3] / "constraints.txt"
HASHES = ["sha256:" + digit * 64 for digit in "abcdef"]


def package(name, *needs, version="1.0", source='registry = "https://index.example/simple"', extras="", files=HASHES[:1]):
    listed = ", ".join(needs)
    wheels = ", ".join(f'{{ url = "https://index.example/{name}.whl", hash = "{each}" }}' for each in files)
    return (
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ {source} }}\n'
        f"dependencies = [{listed}]\nwheels = [{wheels}]\n{extras}"
    )


def lock(*packages, needs=()):
    own = package("project", *needs, source='editable = "."', files=())
    return "version = 1\n" + own + "".join(packages)


def need(name, **more):
    return "{ " + ", ".join([f'name = "{name}"', *(f"{key} = {value}" for key, value in more.items())]) + " }"


def exported(text):
    return uv_lock.exported(tomllib.loads(text))


def markers(text):
    found = (re.match(r"(\S+?)==\S+(?: ; (.*?))? \\", lines) for lines in exported(text).values())
    return {match[1]: match[2] for match in found}


def test_all_that_the_project_needs_is_exported_with_every_hash_and_nothing_else():
    text = lock(package("b", need("c")), package("c", files=HASHES[:2]), package("for-tests"), needs=[need("b")])
    assert exported(text) == {
        "b==1.0": f"b==1.0 \\\n    --hash={HASHES[0]}\n",
        "c==1.0": f"c==1.0 \\\n    --hash={HASHES[0]} \\\n    --hash={HASHES[1]}\n",
    }


def test_package_that_is_needed_on_some_machines_says_so():
    windows, old = "\"sys_platform == 'win32'\"", "\"python_full_version < '3.12'\""
    places = (("a", windows), ("both", old), ("ever", old), ("deep2", windows))
    text = lock(
        package("a", need("deep", marker=old)),
        package("deep"),
        package("both", need("deep2")),
        package("deep2"),
        package("ever"),
        needs=[need("ever"), *(need(name, marker=where) for name, where in places)],
    )
    assert markers(text) == {
        "a": "(sys_platform == 'win32')",
        "deep": "(python_full_version < '3.12') and (sys_platform == 'win32')",
        "both": "(python_full_version < '3.12')",
        "deep2": "(python_full_version < '3.12') or (sys_platform == 'win32')",
        "ever": None,
    }
    for each in filter(None, markers(text).values()):
        Marker(each)


def test_extras_bring_what_they_need():
    extras = '[package.optional-dependencies]\nfast = [{ name = "c" }]\nslow = [{ name = "d" }]\n'
    text = lock(package("b", extras=extras), package("c"), package("d"), needs=[need("b", extra='["fast"]')])
    assert {*exported(text)} == {"b==1.0", "c==1.0"}


def test_packages_that_need_each_other_come_to_an_end():
    text = lock(package("a", need("b", marker="\"os_name == 'nt'\"")), package("b", need("a")), needs=[need("a")])
    assert markers(text) == {"a": None, "b": "(os_name == 'nt')"}


def test_two_versions_for_two_machines_are_kept_apart():
    win, other = "\"sys_platform == 'win32'\"", "\"sys_platform != 'win32'\""
    text = lock(
        package("a", version="1.0"),
        package("a", version="2.0"),
        needs=[need("a", version='"1.0"', marker=win), need("a", version='"2.0"', marker=other)],
    )
    assert {*exported(text)} == {"a==1.0", "a==2.0"}


@pytest.mark.parametrize("source", ['git = "https://host.example/a?rev=1#abc"', 'directory = "../a"', 'path = "a.whl"'])
def test_package_that_has_no_hash_is_told(source):
    with pytest.raises(UnhashedError, match=r"^a$"):
        exported(lock(package("a", source=source), needs=[need("a")]))


@pytest.mark.parametrize("text", ["", "package = 1", "[[package]]\nversion = '1'", "[[package]]\nname = 'a'\nversion = '1'"])
def test_what_is_no_lock_is_no_reason_to_stop(text):
    found = image_requirements.of_release(
        {"uv.lock": text}, {"numpy": "2.0.0", "scikit-learn": "1.6.0", "skops": "0.13"}, is_whole=False
    )
    assert (found.is_hashed, found.note.startswith("uv.lock cannot be read")) == (False, True)
    assert "numpy==2.0.0\n" in found.text


REQUIRES = {"numpy": "2.0.0", "scikit-learn": "1.6.0", "skops": "0.13.0"}


def test_requirements_with_hashes_are_taken_as_they_are():
    text = f"# mine\nnumpy==2.0.0 \\\n    --hash={HASHES[0]}"
    found = image_requirements.of_release({"requirements.txt": text}, REQUIRES, is_whole=False)
    assert (found.text, found.is_hashed, found.note, found.names) == (f"{text}\n", True, "", {"numpy"})


@pytest.mark.parametrize("line", ["-r other.txt", "--requirement=other.txt", "-e .", "./wheels/a.whl", "/abs/a.whl", "-c x"])
def test_requirements_that_name_other_files_are_not_taken(line):
    text = f"numpy==2.0.0 --hash={HASHES[0]}\n{line}\n"
    found = image_requirements.of_release({"requirements.txt": text}, REQUIRES, is_whole=True)
    assert not found.is_hashed
    assert line.split()[0] in found.note
    assert found.names == {"numpy", "scikit-learn", "skops"}


def test_without_hashes_only_what_reads_the_model_is_taken_unless_code_comes_along():
    texts = {"requirements.txt": "numpy==2.0.0\nflask==3.0\n"}
    assert image_requirements.of_release(texts, REQUIRES, is_whole=False).names == {"numpy", "scikit-learn", "skops"}
    assert image_requirements.of_release(texts, REQUIRES, is_whole=True).names == {"numpy", "flask"}


def test_library_that_no_file_pins_is_told_with_the_version_that_is_taken():
    found = image_requirements.of_release({}, {"numpy": "2.0.0"}, is_whole=False)
    assert f"the image gets scikit-learn {server_pins.PINS['scikit-learn']}, skops {server_pins.PINS['skops']}" in found.note
    assert "scikit-learn==" in image_requirements.server(found)


def test_file_without_requirements_says_why_it_has_none():
    assert "No file of the commit pins" in image_requirements.of_release({}, {}, is_whole=False).text
    assert "No file" not in image_requirements.of_release({}, {"numpy": "2.0.0"}, is_whole=False).text


def test_server_brings_what_the_model_does_not():
    found = image_requirements.of_release({"requirements.txt": "Prometheus_Client==0.1\nnumpy==2.0.0\n"}, {}, is_whole=True)
    rows = image_requirements.pins(image_requirements.server(found))
    assert {*server_pins.PINS} - {*rows} == {"numpy", "prometheus-client"}


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(roots):
    """All distributions that some need on Linux, of those that are installed."""
    found, waiting = set(), [Requirement(each) for each in roots]
    while waiting:
        each = waiting.pop()
        for extra in ("", *each.extras):
            if (plain(each.name), extra) not in found:
                found.add((plain(each.name), extra))
                needs = map(Requirement, metadata.requires(each.name) or ())
                waiting += [
                    one for one in needs if one.marker is None or one.marker.evaluate({"extra": extra, "sys_platform": "linux"})
                ]
    return {name for name, _ in found}


def test_pins_of_the_server_are_those_that_were_tested_and_no_package_is_missing():
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", CONSTRAINTS.read_text(), re.MULTILINE))
    assert {name: version for name, version in server_pins.PINS.items() if name in {*map(plain, tested)}} == {
        plain(name): version for name, version in tested.items() if plain(name) in server_pins.PINS
    }
    assert {*server_pins.PINS} == closure(server_pins.ROOTS)
