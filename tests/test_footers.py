"""What is read from the CAD's posts: each row of what is known of them, and never a guess."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cad.model import MAX_ID, CallRef
from bot.footers import AUTHOR, Post, Unread, read_embeds, read_footer

CALL = CallRef(1, 302)
TITLE = "NEW EMERGENCY CALL"
RECORD = "A NEW ARREST RECORD HAS BEEN ADDED:"


@pytest.mark.parametrize(
    ("footer", "title", "says"),
    [
        ("SonoranBrianABCDE | 8 | 302 | 1", TITLE, CALL),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301 | 8 | 302 | 1", TITLE, CALL),
        ("a|8|302|1", TITLE, CALL),
        ("a | 8 | 302 | 1", "SOMEBODY RANG 999", CALL),  # the community's own words
        ("a | 8 | 302 | 1", "", CALL),
        (f"a | 8 | {MAX_ID} | {MAX_ID}", TITLE, CallRef(MAX_ID, MAX_ID)),
        ("x | 8 | 9 | 7", TITLE, CallRef(7, 9)),
        ("erasosarp | 5 | 42 | 1", "NEW DISPATCH CALL", Unread.DISPATCH_CALL),
        ("u | 6 | 41 | 1", "DISPATCH CALL EDITED", Unread.DISPATCH_CALL),
        ("u | 7 | 41", "DISPATCH CALL CLOSED", Unread.DISPATCH_CALL),
        ("u | 8 | 302", TITLE, Unread.NO_SERVER),
        ("SonoranBrianABCDE | 0 | 25", "PANIC", Unread.NO_CALL),
        ("hazzakak | 9 | 7", RECORD, Unread.NO_CALL),
        ("x | 8 | 9 | 7", RECORD, Unread.AMBIGUOUS),
        ("x | 8 | 9 | 7", "A NEW WARRANT HAS BEEN ADDED:", Unread.AMBIGUOUS),
        ("x | 8 | 9 | 7", "", Unread.AMBIGUOUS),
        ("x | 8 | 302 | 1", RECORD, Unread.AMBIGUOUS),
        ("bob | alice | 8 | 302 | 1", TITLE, Unread.AMBIGUOUS),
        ("u | 8 | ３０２ | 1", TITLE, Unread.UNREADABLE),
        ("u | 8 | 302 | １", TITLE, Unread.UNREADABLE),
        ("u | 8 | 0 | 1", TITLE, Unread.UNREADABLE),
        ("u | 8 | -3 | 1", TITLE, Unread.UNREADABLE),
        ("u | 8 | 0302 | 1", TITLE, Unread.UNREADABLE),
        (f"u | 8 | {MAX_ID + 1} | 1", TITLE, Unread.UNREADABLE),
        ("u | 8 | 302\n | 1", TITLE, Unread.UNREADABLE),
        ("u\u2028 | 8 | 302 | 1", TITLE, Unread.UNREADABLE),
        ("u | 8 | 302 | 1\n", TITLE, Unread.UNREADABLE),
        ("| 8 | 302 | 1", TITLE, Unread.UNREADABLE),
        ("u | 8 |  | 1", TITLE, Unread.UNREADABLE),
        ("Los Santos Roleplay", TITLE, Unread.NO_CALL),
        ("|||", TITLE, Unread.NO_CALL),
    ],
)
def test_the_footers(footer: str, title: str, says: CallRef | Unread) -> None:
    assert read_footer(footer, title) == says


def embed(footer: str = "u | 8 | 302 | 1", *, author: str | None = AUTHOR, **more: Any) -> discord.Embed:
    made = discord.Embed(title=TITLE, **more)
    if author:
        made.set_author(name=author)
    return made.set_footer(text=footer) if footer else made


def test_the_players_words_are_read_as_they_stand_there() -> None:
    post = embed(description="Man with a *shotgun*\n@everyone")
    post.add_field(name="CALLER", value="`Ana`").add_field(name="Location:", value="Grove Street")
    assert read_embeds([post]) == Post(CALL, "`Ana`", "Grove Street", "Man with a *shotgun*\n@everyone")
    post.add_field(name="DESCRIPTION", value="Shots fired")
    assert read_embeds([post]) == Post(CALL, "`Ana`", "Grove Street", "Shots fired")
    assert read_embeds([embed()]) == Post(CALL)


@pytest.mark.parametrize(
    ("embeds", "says"),
    [
        pytest.param([embed(""), embed()], Post(CALL), id="the footer on the second of two"),
        pytest.param(
            [embed(""), embed(author=None)], Post(CALL), id="the author on the first, the footer on the second"
        ),
        pytest.param([embed(), embed()], Post(CALL), id="twice the same"),
        pytest.param([embed(), embed("u | 8 | 303 | 1")], Unread.AMBIGUOUS, id="two calls"),
        pytest.param([embed(), embed("u | 5 | 302 | 1")], Unread.AMBIGUOUS, id="a call and something else"),
        pytest.param([embed(""), embed("")], Unread.NO_CALL, id="no footer"),
        pytest.param([embed(author="Somebody")], Unread.NOT_THE_CADS, id="another author"),
        pytest.param([embed(author=None)], Unread.NOT_THE_CADS, id="no author"),
        pytest.param([embed(), embed("", author="Somebody")], Unread.NOT_THE_CADS, id="another author beside"),
        pytest.param([], Unread.NOT_THE_CADS, id="no embed"),
    ],
)
def test_the_embeds(embeds: list[discord.Embed], says: Post | Unread) -> None:
    assert read_embeds(embeds) == says


pieces = st.sampled_from(["|", " | ", "8", "5", "302", "1", "0", "-1", "u", "\n", "３", "99999999999"]) | st.text()
footers = st.lists(pieces, max_size=9).map("".join)


@given(footer=footers, title=st.text())
def test_no_footer_makes_it_fail_and_every_id_is_one_that_the_cad_can_have(footer: str, title: str) -> None:
    ref = read_footer(footer, title)
    if isinstance(ref, CallRef):
        assert 1 <= ref.call_id <= MAX_ID
        assert 1 <= ref.server_id <= MAX_ID
        assert footer.replace(" ", "").rstrip().endswith(f"|8|{ref.call_id}|{ref.server_id}")


text = st.none() | st.text()
field = st.fixed_dictionaries({"name": st.sampled_from(["CALLER", "Location:"]) | st.text(), "value": st.text()})
anything = st.fixed_dictionaries(
    {},
    optional={
        "title": text,
        "description": text,
        "footer": st.fixed_dictionaries({}, optional={"text": footers | st.none()}),
        "author": st.fixed_dictionaries({}, optional={"name": st.just(AUTHOR) | st.text()}),
        "fields": st.lists(field, max_size=4),
    },
)


@given(st.lists(anything, max_size=3))
def test_no_embed_makes_it_fail(embeds: list[dict[str, Any]]) -> None:
    assert isinstance(read_embeds([discord.Embed.from_dict(one) for one in embeds]), (Post, Unread))
