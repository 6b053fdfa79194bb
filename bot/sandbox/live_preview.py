"""SimCord's page, made for a bot that also works by itself, and for people who expect Discord."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import simcord
from simcord.preview._markdown import _FIELD_POLICIES  # pyright: ignore[reportPrivateUsage]
from simcord.preview._server import PreviewServer

from bot.sandbox.simulation import Simulation

_Change = tuple[str, str, str]
"""The path of a file, a place in it, and what stands there instead."""


def _with_more(path: str, place: str, more: str) -> _Change:
    return path, place, place + more


_ON_SCROLL = 'ui.timeline.addEventListener("scroll", () => {'
_BEFORE_CHANGE = 'if (state.scrollIntent?.policy !== "target") state.scrollIntent = captureScrollIntent();'
_INPUT = ".command-option-input { flex: 0 1 auto; width: 2ch;"
_IF_BEHIND = (
    "if (!pageAction(kind) && awaitingRevision !== null && awaitingRevision > context.publishedRevision) return;"
)
_SEND = "sendButton.disabled ="
_NO_OPTIONS = '"Loading options failed" : "No options match"'
_IF_BUSY = "if (pageAction(kind)) pageIntent(kind, extra);"
_SENT = "draftId: currentDraft().id, draftVersion: currentDraft().version,"
_CONTEXT = "setContext: (context) => { authorized = context.authorized;"
_HAS_ITEMS, _FIRST_ITEM = "if (listItems.length", "suggestionListbox.setActive(0, { scroll: false });"
_KNOWN = "const choices = autocompleteResults.get(autocompleteKey(currentDraft(), option.name, current))"
_MATCHES = "matches = matchCommands(catalog?.entries || [], query);"
_ERROR = ".command-error { position: absolute; z-index: 1; top: calc(100% + 3px); left: 0; max-width: 280px;"
_ON_EXIT = 'close.addEventListener("click", '
_ACT = "actions.dispatch(kind, extra, { ...metadata,"
_TIMELINE = "renderChannelTimeline, captureScrollIntent, reconcileScrollIntent,"
_FIT = "list.style.maxHeight = `${height}px`;"
_CHIPS = ".select-chips { display: inline-flex; flex-wrap:"
_CHIP_BOX = "\n.select-trigger:has(.select-chip) {"
_ON_CLOSE = 'ui.close.addEventListener("click", () => dispatch("close"));'

SERVED_CHANGES: tuple[_Change, ...] = (
    # A page at its end stays there. What scrolls because the page has changed is no person who scrolls away.
    _with_more(
        "/timeline.js",
        _ON_SCROLL,
        """
    const layout = `${ui.timeline.scrollHeight}:${ui.timeline.clientHeight}`;
    if (state.layout !== layout) { state.layout = layout; return; }""",
    ),
    (
        "/timeline.js",
        _BEFORE_CHANGE,
        _BEFORE_CHANGE.replace('policy !== "target"', 'policy !== "bottom" && state.scrollIntent?.policy !== "target"'),
    ),
    # A field is as wide as what was typed into it, without its padding: the last digits were cut off.
    ("/preview.css", _INPUT, f"{_INPUT} box-sizing: content-box;"),
    # What a person sends while the page fetches suggestions, or catches up with itself, is sent a moment later. So is
    # a command while another one runs.
    _with_more(
        "/actions.js",
        _IF_BUSY,
        """
      else if (pending?.queryIntent || pending?.kind === "configure_presentation"
        || (pending && pending.kind !== "viewer"
          && (kind === "run_command" || pending.requestId === lastReceipt?.requestId)))
        setTimeout(() => dispatch(kind, extra, metadata), 20);""",
    ),
    (
        "/actions.js",
        _IF_BEHIND,
        _IF_BEHIND.replace("return", "return setTimeout(() => dispatch(kind, extra, metadata), 20)"),
    ),
    ("/composer.js", f"{_SEND} Boolean(state.pendingAction) || !state.authorized", f"{_SEND} !state.authorized"),
    # Sending a command empties the message box at once, and leaves the focus in it. A command that runs locks no other.
    (
        "/commands.js",
        f"{_SENT}\n    }});",
        f"""{_SENT}
    }});
    receiveAction("run_command", {{ settlement: "settled" }}, null, {{ {_SENT} }});""",
    ),
    _with_more("/commands.js", "onCommandMode?.(false, detachedReply); detachedReply = null;", " input.focus();"),
    ("/commands.js", f"{_CONTEXT} pendingKind = context.pendingKind; }}", f"{_CONTEXT} }}"),
    # What is typed while the focus is on nothing, or on a button, goes to the message box.
    _with_more(
        "/app.js",
        _ON_CLOSE,
        """
document.addEventListener("keydown", (event) => {
  if (event.key.length > 1 || event.key === " " || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.activeElement?.closest("input, textarea, select, .preview-select")) return;
  (ui.composerForm.querySelector(".command-pill.is-focused input") || ui.composer).focus();
});""",
    ),
    # While suggestions are on their way, nobody reads that there are none.
    (
        "/commands.js",
        _NO_OPTIONS,
        _NO_OPTIONS.replace(" : ", ' : autocomplete.state === "loading" ? "Loading options…" : '),
    ),
    # Enter takes a suggestion for the last option, and Enter once more sends. The list would open again at once.
    (
        "/commands.js",
        "renderCompose({ focus: Boolean(next) });",
        "renderCompose({ focus: Boolean(next) }); if (!next) clearPopup();",
    ),
    # An option that may be left out is taken only once an arrow key has chosen it: else, Enter sends.
    ("/commands.js", f"{_HAS_ITEMS}) {_FIRST_ITEM}", f"{_HAS_ITEMS} && !optional) {_FIRST_ITEM}"),
    # An empty field shows what the bot suggests for it. A filled one stays as it is until something is typed.
    (
        "/commands.js",
        f"{_KNOWN} || [];",
        f"""{_KNOWN};
            if (!choices && current) {{ clearPopup(); return; }}
            if (!choices) queryAutocomplete(option, current);""",
    ),
    (
        "/commands.js",
        "renderPopup(field, `OPTIONS MATCHING ${current.toUpperCase()}`, choices,",
        "renderPopup(field, `OPTIONS MATCHING ${current.toUpperCase()}`, choices || [],",
    ),
    # A space after a command's name chooses the command.
    _with_more(
        "/commands.js",
        _MATCHES,
        """
    const named = matches.find((entry) => query === `${entry.invocation} `);
    if (named) { select(named); return; }""",
    ),
    # What is wrong with a field stands in it, behind the value: below it, it was cut off.
    ("/preview.css", _ERROR, ".command-error { order: 1; flex: none; white-space: nowrap;"),
    # What is given up leaves nothing in the message box.
    (
        "/commands.js",
        f"{_ON_EXIT}exitCommand);",
        """const giveUp = (event) => {
        event.preventDefault();
        exitCommand();
        input.value = "";
        input.dispatchEvent(new Event("input", { bubbles: true }));
      };
      // When the button goes down: what changes until it is up would swallow the click.
      for (const kind of ["mousedown", "click"]) close.addEventListener(kind, giveUp);""",
    ),
    # A page opens at its end, and goes there when its person sends something.
    ("/timeline.js", ": state.scrollIntent || captureScrollIntent();", ': state.scrollIntent || { policy: "bottom" };'),
    _with_more(
        "/timeline.js",
        _TIMELINE,
        ' toEnd: () => { state.scrollIntent = { policy: "bottom" }; reconcileScrollIntent(); },',
    ),
    ("/app.js", f"  {_ACT}", f"""  if (["run_command", "send_message"].includes(kind)) timeline.toEnd();\n  {_ACT}"""),
    # A list of calls is as long as the page allows, and stays where it is when one is selected: the next click met
    # another row.
    (
        "/select-drafts.js",
        "const desired = Math.min(list.scrollHeight, 220);",
        "const desired = Math.min(list.scrollHeight + 2, 480);  // with its border",
    ),
    ("/select-drafts.js", "const height = Math.min(220, available);", "const height = Math.min(desired, available);"),
    _with_more(
        "/select-drafts.js",
        _FIT,
        """
      if (!list.onscroll) {
        list.scrollTop = state.dropdown?.scrollTop || 0;
        list.onscroll = () => { if (state.dropdown) state.dropdown.scrollTop = list.scrollTop; };
      }""",
    ),
    ("/preview.css", f"{_CHIPS} wrap;", f"{_CHIPS} nowrap; overflow: hidden; white-space: nowrap;"),
    (
        "/preview.css",
        f"{_CHIP_BOX} min-height: 48px; padding: 9px 36px 9px",
        f"{_CHIP_BOX} height: 40px; padding: 0 36px 0",
    ),
)
"""What is served otherwise than SimCord 3.2.1 has it. In another version's files, these places may be missing."""


class _Server(PreviewServer):
    async def _static(self, request: Any) -> Any:
        response = await super()._static(request)
        for path, old, new in SERVED_CHANGES:
            if path == request.path:
                response.text = response.text.replace(old, new)
        return response


class LivePreview(simcord.Preview):
    """The page of a simulation's room, and of its audit channel, which is one of the viewers to choose from.

    Hold `turn` around everything else that acts in the simulated Discord. SimCord 3.2 is unlike Discord in some ways:

    - It runs one action at a time. An action that meets another one fails, and the page stays locked until it is
      reloaded ("Action outcome uncertain"). Here each waits for its turn.
    - It publishes a revision with each refresh, and refuses an action of a page that has not polled since. Here an
      older revision is accepted. What the action names is still checked: a deleted message, a removed button.
    - Its relative times are measured from the last refresh, so later events seem to lie ahead. Here they are measured
      from when they are published.
    - It shows mentions in an embed as numbers. Here they are names.
    """

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(
            simulation.env,
            simulation.room,
            (*simulation.people, simulation.audit_view),
            layout="channel",
            display="responsive",
            width=960,
            height=720,
            locale="en-US",
            timezone="UTC",
            presentation_time=None,
            assets=None,
            port=0,
        )
        self.turn = asyncio.Lock()
        self._server = _Server(self)
        self._rooms = {simulation.audit_view.id: simulation.audit_room.id}
        for field in ("embed_description", "embed_field_value"):
            _FIELD_POLICIES[field]["mentions"] = True

    @property
    def is_closing(self) -> bool:
        """True once a person has ended the session."""
        return self._closed

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def _action(self, context_id: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        async with self.turn:
            if isinstance(body.get("published_revision"), int):
                body = {**body, "published_revision": self._get_page(context_id).revision}
            return await super()._action(context_id, body)

    def _initial_target(self, viewer: Any, channel_id: int) -> int | None:  # noqa: ARG002 - SimCord's own signature
        return None  # no message to open at: a page opens at its end

    def _publish(self, page: Any, **more: Any) -> None:
        self.capture_time = datetime.now(UTC)
        room = self._rooms.get(page.viewer.id, self.channel.id)
        if page.channel_id != room:
            page.channel_id, page.window_end_id, page.target_id = room, None, None
        super()._publish(page, **more)
