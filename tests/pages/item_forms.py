"""The forms of items, versions and tables as a person fills them in, and what the answer says of each line."""

import html
import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.builders import command_id

ITEMS, IMPORT = "/settings/items/", "/settings/import/"


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def post(client: Client, path: str, **fields):
    return client.post(path, {"command_id": command_id(), **fields})


def bom(client: Client, version: str = "1", lines=(("RM", "2"),), code: str = "FG", **more):
    columns = {"item": [], "quantity_per": [], "unit": [], "operation": []}
    for line in lines:
        for name, value in zip(columns, (*line, "", "")[:4], strict=True):
            columns[name].append(value)
    return post(client, f"{ITEMS}{code}/bom/", **{"act": "save", "version": version, **columns, **more})


def routing(client: Client, version: str = "1", lines=(("10", "Saw", "WC1", "5", "1,5"),), **more):
    names = ("sequence", "name", "work_center", "setup_minutes", "run_minutes_per_unit", "instruction", "overlap")
    columns = {name: [(*line, *[""] * 7)[place] for line in lines] for place, name in enumerate(names)}
    return post(client, f"{ITEMS}FG/routing/", **{"act": "save", "version": version, **columns, **more})


def paste(client: Client, kind: str, text: str, **more):
    return post(client, f"{IMPORT}?kind={kind}", text=text, **more)


def upload(client: Client, kind: str, content: bytes, **more):
    return post(client, f"{IMPORT}?kind={kind}", file=SimpleUploadedFile("t.csv", content), **more)


def outcomes(response) -> list[str]:
    found = []
    for row in re.findall(r'data-testid="result-row">(.*?)</tr>', response.content.decode(), re.S):
        cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)]
        found.append(html.unescape(" | ".join(cells)).rstrip(" |"))
    return found
