"""A keyboard-wedge scanner for Chromium: keys with the times a scanner gives them, however slow this computer is."""

import time

from playwright.sync_api import Page

_SHIFTED = dict(zip(')!@#$%^&*(_+{}|:"~<>?', "0123456789-=[]\\;'`,./", strict=True))
_CODES = {
    "-": "Minus",
    "=": "Equal",
    "[": "BracketLeft",
    "]": "BracketRight",
    "\\": "Backslash",
    ";": "Semicolon",
    "'": "Quote",
    "`": "Backquote",
    ",": "Comma",
    ".": "Period",
    "/": "Slash",
    " ": "Space",
}
_SHIFT, _CONTROL = 8, 2


def scan(page: Page, text: str, *, gap: float = 0.003, enter: bool = True) -> None:
    """Type TEXT with GAP seconds between the keys, and Enter. A GS is sent as scanners do: Control and ]."""
    session = page.context.new_cdp_session(page)
    clock = time.time()
    for character in [*text, *(["\r"] if enter else [])]:
        clock += gap
        key, code, modifiers = _key(character)
        typed = "" if modifiers & _CONTROL else character
        facts = {"key": key, "code": code, "modifiers": modifiers}
        if character == "\r":
            facts["windowsVirtualKeyCode"] = 13
        session.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": typed, "timestamp": clock, **facts})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", "timestamp": clock + gap / 2, **facts})
    session.detach()


def _key(character: str) -> tuple[str, str, int]:
    if character == "\r":
        return "Enter", "Enter", 0
    if character == "\x1d":
        return "]", "BracketRight", _CONTROL
    plain = _SHIFTED.get(character, character.lower())
    shifted = _SHIFT if plain != character else 0
    if plain.isdigit():
        return character, f"Digit{plain}", shifted
    return character, _CODES.get(plain, f"Key{plain.upper()}"), shifted
