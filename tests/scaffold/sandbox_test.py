"""Text that nobody vetted: what it may say, and that nothing gets out."""

import pytest

from mlgit.errors import MlgitError
from mlgit.scaffold.sandbox import fill

VALUES = {"name": "x", "features": ("a", "b"), "flag": True}


def test_variables_blocks_and_comments_are_carried_out():
    source = "a [[ name ]]\n[% for each in features %]\n- [[ each ]]\n[% endfor %]\n[# gone #]b\n"
    assert fill(source, VALUES, name="f") == "a x\n- a\n- b\nb\n"


@pytest.mark.parametrize("source", ["${{ github.ref }}", "{{ a }} {% b %} {# c #}", "# comment", "a\n\n", "no end"])
def test_other_languages_braces_are_left_alone(source):
    assert fill(source, {}, name="f") == source


def test_line_ends_become_lf():
    assert fill("a\r\nb\rc\n", {}, name="f") == "a\nb\nc\n"


def test_answer_is_not_rendered_again():
    assert fill("[[ name ]]", {"name": "[[ 1 ]] [% x %]"}, name="f") == "[[ 1 ]] [% x %]"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("a\n\n[[ nmae ]]", "f: line 3: 'nmae' is undefined"),
        ("\n[% if name == nope %]x[% endif %]", "f: line 2: 'nope' is undefined"),
        ("a\n[% if %]", "f: line 2: Expected an expression"),
        ("a\n[% for x in features %]\n", "f: line 2: Unexpected end of template"),
        ("\n[[ name | nofilter ]]", "f: line 2: No filter named 'nofilter'."),
        ("\n\n[[ 1 / 0 ]]", "f: line 3: division by zero"),
        ("\n[[ name.nope ]]", "f: line 2: 'str object' has no attribute 'nope'"),
    ],
)
def test_every_fault_names_file_and_line(source, said):
    with pytest.raises(MlgitError) as caught:
        fill(source, VALUES, name="f")
    assert caught.value.message.startswith(said)


def test_undefined_name_is_hinted_with_the_answers_there_are():
    with pytest.raises(MlgitError) as caught:
        fill("[[ nmae ]]", VALUES, name="f")
    assert caught.value.hint == "the answers are: name, features, flag"


@pytest.mark.parametrize(
    "escape",
    [
        "[[ ''.__class__.__mro__ ]]",
        "[[ name.__init__.__globals__ ]]",
        "[[ ''['__class__'] ]]",
        "[[ '' | attr('__class__') ]]",
        "[[ '{0.__class__}'.format(1) ]]",
        "[[ ('{0.__class__}' | format)(1) ]]",
        "[[ self.__init__ ]]",
        "[[ self._TemplateReference__context ]]",
        "[[ range.__self__ ]]",
        "[[ cycler ]]",
        "[[ joiner() ]]",
        "[[ namespace() ]]",
        "[[ lipsum.__globals__ ]]",
        "[[ dict.mro() ]]",
        "[[ [1, 2] | random ]]",
        "[% for x in range(10 ** 9) %][% endfor %]",
        # a format that is reached around the check of calls (CVE-2016-10745, 2019-10906, 2024-56326, 2025-27516)
        "[[ '{0.__class__}'.format_map({'0': 1}) ]]",
        "[[ ['{0.__class__}'] | map('format', 1) | list ]]",
        "[[ ('{0.__class__}' | attr('format'))(1) ]]",
        "[% set f = '{0.__class__}'.format %][[ f(1) ]]",
        "[[ ['{0.__class__.__mro__}'.format] | map('replace', 1, 1) | list ]]",
        "[% macro m(f) %][[ f(1) ]][% endmacro %][[ m('{0.__class__}'.format) ]]",
        "[[ [1] | map(attribute='__class__') | first ]]",
        "[[ [1] | map(attribute='real.__class__.__mro__') | first ]]",
        "[[ [[1]] | sum(attribute='__class__') ]]",
        "[[ [1] | selectattr('__class__') | list | first | string | attr('x') ]]",
        "[[ [1] | groupby('__class__') | first ]]",
        "[[ ([1] | map('upper')).gi_frame ]]",
        "[[ ([1] | map('upper')).gi_code ]]",
        "[[ m.mro ]]",
        "[% for x in [1] %][[ loop.__init__ ]][[ loop._iterable ]][% endfor %]",
        "[[ self['__init__'] ]]",
        "[[ name.encode().__reduce__ ]]",
        "[[ url_for.__globals__ ]]",
        "[[ get_flashed_messages ]]",
        "[[ config ]]",
        "[[ [].pop.__self__ ]]",
        "[[ features.__add__ ]]",
        "[[ ''['\\x5f\\x5fclass\\x5f\\x5f'] ]]",
        "[[ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') ]]",
        "[% include '/etc/passwd' %]",
        "[% import 'os' as os %]",
        "[% extends 'x' %]",
        "[% debug %]",
        "[% do [].append(1) %]",
        "[% set x = [] %][[ x.append(1) ]]",
        "[% macro m() %][% endmacro %][[ m.__globals__ ]]",
        "[% macro m() %][[ caller.__class__ ]][% endmacro %][% call m() %][% endcall %]",
    ],
)
def test_escape_from_the_sandbox_is_refused(escape):
    with pytest.raises(MlgitError, match=r"^f: line 1: "):
        fill(escape, VALUES, name="f")


@pytest.mark.parametrize(
    "statement",
    ["[% include '/etc/passwd' %]", "[% import 'a' as b %]", "[% from 'a' import b %]", "[% extends '../x' %]"],
)
def test_no_other_file_is_reached(statement):
    with pytest.raises(MlgitError, match=r"^f: line 2: a template can neither include nor import$"):
        fill(f"\n{statement}", VALUES, name="f")


@pytest.mark.parametrize("expression", ["flag", "features", "none", "name.upper", "range", "1 == 1", "[name]", "self"])
def test_value_without_one_spelling_needs_a_filter(expression):
    with pytest.raises(MlgitError, match="has no one spelling: use the filter yaml, toml or python"):
        fill(f"[[ {expression} ]]", VALUES, name="f")


def test_filters_of_every_format_are_there():
    filled = fill("[[ flag | yaml ]] [[ flag | python ]] [[ features | toml ]] [[ 'a_b' | markdown ]]", VALUES, name="f")
    assert filled == 'true True ["a", "b"] a\\_b'
