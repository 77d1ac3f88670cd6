"""What a program prints, as lines."""

from __future__ import annotations

import pytest

from mlgit.render.printed import BAR_SECONDS, Printed, shown


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"plain", "plain"),
        (b"a\tb", "a\tb"),
        (b"10%\r20%\r", "20%"),
        (b"\r100%\r      \r", "100%"),
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b[2J\x1b[H\x1b[?25lcleared\x1b[K", "cleared"),
        (b"\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bP+q\x1b\\dcs \x1b7\x1b(Bsaved\x1bc", "dcs saved"),
        (b"\x1b]0;never ended", "0;never ended"),
        (b"|\b/\b-\bdone", "done"),
        (b"bell\x07 nul\x00", "bell\\x07 nul\\x00"),
        ("\u202eevil \x9b2J".encode(), "\\u202eevil "),
        (b"\xff\xfe", "��"),
    ],
)
def test_line_is_shown_as_a_terminal_would_be_left_with_it(line, text):
    assert shown(line) == text


def test_colors_are_kept_where_they_are_wanted_and_end_with_the_line():
    assert shown(b"\x1b[1;31mred\x1b[2J \x1b[38;5;4mblue", color=True) == "\x1b[1;31mred \x1b[38;5;4mblue\x1b[0m"


@pytest.mark.parametrize("text", ["one\ntwo\n", "é ü\n漢字\n", "\x1b[31mred\x1b[0m\nx\r\n", "10%\r20%\r\nend\n", "\n\na\n"])
def test_lines_are_the_same_however_they_come_in_pieces(text):
    content = text.encode()
    whole = Printed().feed(content, now=0).complete
    for size in range(1, len(content)):
        printed, found = Printed(), []
        for at in range(0, len(content), size):
            found += printed.feed(content[at : at + size], now=0).complete
        assert found == whole


def test_unfinished_line_is_given_when_nothing_was_added_for_a_while():
    printed = Printed()
    printed.feed(b"sure? ", now=0)
    assert printed.settle(now=0).part == ""
    assert printed.settle(now=0).part == "sure? "
    assert printed.feed(b"yes\n", now=0).complete == ["yes"]


@pytest.mark.parametrize(
    ("content", "given", "rest"), [("aé".encode()[:-1], "a", "�"), (b"a\x1b[3", "a", "3"), (b"a\x1b", "a", "")]
)
def test_part_of_a_line_is_not_cut_within_a_character_or_a_sequence(content, given, rest):
    printed = Printed()
    printed.feed(content, now=0)
    assert [printed.settle(now=0).part for _ in range(3)] == ["", given, ""]
    assert printed.close().complete == [rest] * bool(rest)


def test_progress_bar_is_given_now_and_then_and_at_its_end():
    printed, given = Printed(), []
    for at in range(100):
        given += printed.feed(b"\r%d%%" % at, now=at).complete + printed.settle(now=at).complete
    assert given == [f"{at}%" for at in range(0, 100, int(BAR_SECONDS))]
    assert printed.last == "99%"
    assert printed.feed(b"\r100%\n", now=100).complete == ["100%"]


def test_bar_that_moves_to_the_first_column_is_one_too():
    printed, given = Printed(), []
    for at in range(9):
        given += printed.feed(b"\x1b[2K\x1b[1G%d%%" % at, now=at).complete + printed.settle(now=at).complete
    assert (given, printed.settle(now=9).part, printed.last) == (["0%"], "", "8%")
    assert printed.feed(b"\x1b[2K\x1b[1Gdone\n", now=9).complete == ["done"]


def test_bars_one_below_the_other_do_not_flood():
    printed, given = Printed(), []
    for at in range(1000):
        given += printed.feed(b"\r%d%%\n\r%d steps\x1b[A" % (at, at), now=at / 100).complete
    assert len(given) <= 3
    assert "999" in printed.last


def test_line_written_between_bars_is_not_taken_for_one():
    printed, given = Printed(), []
    for at in range(20):
        for step in range(50):
            given += printed.feed(b"\r%d%%\n\r%d steps\x1b[A" % (at, step), now=0.0).complete
        given += printed.feed(b"\n\r        \x1b[A\r     \repoch %d\n" % at, now=0.0).complete
    assert [line for line in given if "epoch" in line] == [f"epoch {at}" for at in range(20)]
    assert len(given) < 3 * 20


def test_line_without_end_is_neither_waited_for_nor_kept():
    printed, total = Printed(), 0
    for _ in range(100):
        total += len(printed.feed(b"x" * 50_000, now=0).part)
    assert total > 4_900_000
    assert len(printed.last) < 100_000


def test_bar_that_writes_over_a_part_begins_a_line():
    printed = Printed()
    printed.feed(b"loading", now=0)
    printed.settle(now=0)
    assert printed.settle(now=0).part == "loading"
    assert printed.feed(b"\r50%\r100%\n", now=0).complete == ["", "100%"]
