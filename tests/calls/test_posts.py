"""Reading the CAD's posts: every form of footer that is known, and random ones."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cad.models import MAX_ID, CallRef
from bot.calls.posts import AUTHOR, CallPost, PostError, read_embeds, read_footer

CALL = CallRef(1, 302)
TITLE = "NEW EMERGENCY CALL"
RECORD = "A NEW ARREST RECORD HAS BEEN ADDED:"


@pytest.mark.parametrize(
    ("footer", "title", "expected"),
    [
        ("SonoranBrianABCDE | 8 | 302 | 1", TITLE, CALL),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301 | 8 | 302 | 1", TITLE, CALL),
        ("a|8|302|1", TITLE, CALL),
        ("a | 8 | 302 | 1", "A PLAYER RANG 999", CALL),  # a title set by the community
        ("a | 8 | 302 | 1", "", CALL),
        (f"a | 8 | {MAX_ID} | {MAX_ID}", TITLE, CallRef(MAX_ID, MAX_ID)),
        ("x | 8 | 9 | 7", TITLE, CallRef(7, 9)),
        ("erasosarp | 5 | 42 | 1", "NEW DISPATCH CALL", PostError.DISPATCH_CALL),
        ("u | 6 | 41 | 1", "DISPATCH CALL EDITED", PostError.DISPATCH_CALL),
        ("u | 7 | 41", "DISPATCH CALL CLOSED", PostError.DISPATCH_CALL),
        ("u | 8 | 302", TITLE, PostError.NO_SERVER),
        ("SonoranBrianABCDE | 0 | 25", "PANIC", PostError.NO_CALL),
        ("hazzakak | 9 | 7", RECORD, PostError.NO_CALL),
        ("x | 8 | 9 | 7", RECORD, PostError.AMBIGUOUS),
        ("x | 8 | 9 | 7", "A NEW WARRANT HAS BEEN ADDED:", PostError.AMBIGUOUS),
        ("x | 8 | 9 | 7", "", PostError.AMBIGUOUS),
        ("x | 8 | 302 | 1", RECORD, PostError.AMBIGUOUS),
        ("bob | alice | 8 | 302 | 1", TITLE, PostError.AMBIGUOUS),
        ("u | 8 | ３０２ | 1", TITLE, PostError.UNREADABLE),
        ("u | 8 | 302 | １", TITLE, PostError.UNREADABLE),
        ("u | 8 | 0 | 1", TITLE, PostError.UNREADABLE),
        ("u | 8 | -3 | 1", TITLE, PostError.UNREADABLE),
        ("u | 8 | 0302 | 1", TITLE, PostError.UNREADABLE),
        (f"u | 8 | {MAX_ID + 1} | 1", TITLE, PostError.UNREADABLE),
        ("u | 8 | 302\n | 1", TITLE, PostError.UNREADABLE),
        ("u\u2028 | 8 | 302 | 1", TITLE, PostError.UNREADABLE),
        ("u | 8 | 302 | 1\n", TITLE, PostError.UNREADABLE),
        ("| 8 | 302 | 1", TITLE, PostError.UNREADABLE),
        ("u | 8 |  | 1", TITLE, PostError.UNREADABLE),
        ("Los Santos Roleplay", TITLE, PostError.NO_CALL),
        ("|||", TITLE, PostError.NO_CALL),
    ],
)
def test_footer_gives_the_call_or_a_reason(footer: str, title: str, expected: CallRef | PostError) -> None:
    assert read_footer(footer, title) == expected


def embed(footer: str = "u | 8 | 302 | 1", *, author: str | None = AUTHOR, **more: Any) -> discord.Embed:
    created = discord.Embed(title=TITLE, **more)
    if author:
        created.set_author(name=author)
    return created.set_footer(text=footer) if footer else created


def test_players_texts_are_read_unchanged() -> None:
    post = embed(description="Man with a *shotgun*\n@everyone")
    post.add_field(name="CALLER", value="`Ana`").add_field(name="Location:", value="Grove Street")
    assert read_embeds([post]) == CallPost(CALL, "`Ana`", "Grove Street", "Man with a *shotgun*\n@everyone")
    post.add_field(name="DESCRIPTION", value="Shots fired")
    assert read_embeds([post]) == CallPost(CALL, "`Ana`", "Grove Street", "Shots fired")
    assert read_embeds([embed()]) == CallPost(CALL)


@pytest.mark.parametrize(
    ("embeds", "expected"),
    [
        pytest.param([embed(""), embed()], CallPost(CALL), id="footer on the second embed"),
        pytest.param(
            [embed(""), embed(author=None)], CallPost(CALL), id="author on the first embed, footer on the second"
        ),
        pytest.param([embed(), embed()], CallPost(CALL), id="the same footer twice"),
        pytest.param([embed(), embed("u | 8 | 303 | 1")], PostError.AMBIGUOUS, id="two calls"),
        pytest.param([embed(), embed("u | 5 | 302 | 1")], PostError.AMBIGUOUS, id="a call and another type"),
        pytest.param([embed(""), embed("")], PostError.NO_CALL, id="no footer"),
        pytest.param([embed(author="Another bot")], PostError.NOT_THE_CADS, id="another author"),
        pytest.param([embed(author=None)], PostError.NOT_THE_CADS, id="no author"),
        pytest.param([embed(), embed("", author="Another bot")], PostError.NOT_THE_CADS, id="a second author"),
        pytest.param([], PostError.NOT_THE_CADS, id="no embed"),
    ],
)
def test_embeds_give_the_call_or_a_reason(embeds: list[discord.Embed], expected: CallPost | PostError) -> None:
    assert read_embeds(embeds) == expected


pieces = st.sampled_from(["|", " | ", "8", "5", "302", "1", "0", "-1", "u", "\n", "３", "99999999999"]) | st.text()
footers = st.lists(pieces, max_size=9).map("".join)


@given(footer=footers, title=st.text())
def test_any_footer_gives_a_valid_call_or_a_reason(footer: str, title: str) -> None:
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
def test_any_embed_gives_a_post_or_a_reason(embeds: list[dict[str, Any]]) -> None:
    assert isinstance(read_embeds([discord.Embed.from_dict(one) for one in embeds]), (CallPost, PostError))
