"""A signed-in desk for the tests of its pages: by Django's client, or in the browser."""

from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import Page

from tests.browser import DESK, TERMINAL, WALL, Watched
from tests.builders import Plant

#: Name, window and colours of the pictures that are taken of every desk page.
SIZES = [("1280", TERMINAL, "dark"), ("1440", DESK, "light"), ("1920", WALL, "light")]
#: Session, person and plant are read before anything of the page itself.
SIGNED_IN = 3


def desk(works: Plant, role: str = "supervisor") -> Client:
    """A client signed in as a person of ROLE of that plant."""
    client = Client()
    client.force_login(get_user_model().objects.get(pk=works.person(role).id))
    return client


def sign_in(watched: Watched, works: Plant, role: str = "supervisor", path: str = "/floor/") -> Page:
    """Sign in by the form and go to PATH."""
    person = get_user_model().objects.get(pk=works.person(role).id)
    person.set_password("secret")
    person.save(update_fields=["password"])
    page = watched.open(f"/login/?next={path}")
    page.get_by_label("User name").fill(f"{works.prefix}-{role}")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Sign in").click()
    return page
