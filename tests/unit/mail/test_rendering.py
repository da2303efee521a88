"""Every template: complete, safe, and with links that lead somewhere."""

import re
import time
from html.parser import HTMLParser

import pytest

from contracts.notices import Message
from mail.errors import BadLinkError, MissingValueError, UnknownMessageError
from mail.messages import COMMON_SAMPLE, MESSAGES, Readership
from mail.rendering import TEMPLATES, render

HOSTILE = "Evil <i>&\"' {{ 7*7 }} {% raw %}\r\nBcc: victim@x.example\u2028\u202eend"
VOID = {"meta", "br", "hr", "img", "link", "input"}
every_message = pytest.mark.parametrize("message", MESSAGES)


class Page(HTMLParser):
    """Collects what a reader of the HTML sees and can follow."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.unstyled: set[str] = set()
        self.words = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        assert "class" not in found
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag in ("p", "h1", "h2", "td", "th", "ul", "ol", "li", "pre") and "style" not in found:
            self.unstyled.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def hostile(value: object) -> object:
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, list):
        return [hostile(each) for each in value]
    if isinstance(value, dict):
        return {name: hostile(each) for name, each in value.items()}
    return value


def hostile_values(message: str) -> dict[str, object]:
    description = MESSAGES[message]
    values = {name: hostile(value) for name, value in description.sample.items()}
    return values | {name: description.sample[name] for name in description.links}


def test_every_message_of_the_product_has_a_template() -> None:
    assert {str(message) for message in Message} <= MESSAGES.keys()


def test_folders_and_descriptions_are_the_same_set() -> None:
    folders = {folder.name: folder for folder in TEMPLATES.iterdir() if folder.is_dir()}
    assert folders.keys() == MESSAGES.keys()
    for folder in folders.values():
        assert {file.name for file in folder.iterdir()} == {"subject.txt", "body.txt", "body.html"}


@every_message
def test_renders_whole_with_its_sample(message: str) -> None:
    mail = render(message, MESSAGES[message].sample)
    page = Page(mail.html)
    assert mail.subject
    assert mail.subject == " ".join(mail.subject.split())
    assert len(mail.subject) <= 110
    assert page.open == []
    assert page.unstyled == set()
    assert not page.tags & {"style", "script", "img", "link", "form", "iframe"}
    for words in (mail.subject, mail.text, page.words):
        assert not re.search(r"\bundefined\b|\bNone\b|\{\{|\{%|\}\}|%\}|  \.", words)
    assert "\n\n\n" not in mail.text
    assert mail.text.startswith("Hello ")


@every_message
def test_says_the_same_in_text_and_html(message: str) -> None:
    mail = render(message, MESSAGES[message].sample)
    page = " ".join(Page(mail.html).words.split())
    for value in MESSAGES[message].sample.values():
        if isinstance(value, str) and value and value not in COMMON_SAMPLE.values():
            assert (value in mail.text) == (value in page), value


@every_message
def test_what_others_typed_never_becomes_markup_headers_or_templates(message: str) -> None:
    mail = render(message, hostile_values(message))
    assert "<i>" not in mail.html
    assert "i" not in Page(mail.html).tags
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject + mail.text + mail.html
    assert "\nBcc:" not in mail.text
    assert not re.search("[\u2028\u202e]", mail.subject + mail.text + mail.html)
    assert "49" not in mail.subject
    if "Evil" in mail.text:
        assert "{{ 7*7 }} {% raw %} Bcc:" in mail.text


@every_message
def test_links_lead_somewhere_and_stand_as_text_too(message: str) -> None:
    description = MESSAGES[message]
    mail = render(message, description.sample)
    page = Page(mail.html)
    for link in page.links:
        assert link.startswith(("https://", "mailto:"))
        assert " " not in link
    own = [str(description.sample[name]) for name in description.links if name != "login_url"]
    for link in filter(None, own):
        assert link in page.links
        assert link in page.words
        assert re.search(rf"(?m)(^| ){re.escape(link)}$", mail.text)


@every_message
def test_a_missing_value_is_named(message: str) -> None:
    for name in MESSAGES[message].required:
        values = {key: value for key, value in MESSAGES[message].sample.items() if key != name}
        with pytest.raises(MissingValueError, match=f"{message}.*'{name}'"):
            render(message, values)


@every_message
def test_greets_without_a_name_and_works_without_optional_values(message: str) -> None:
    description = MESSAGES[message]
    optional = {"recipient_name", "link_expires", "password_until", "go_live_at"}
    if "link" not in description.needed_links:
        optional.add("link")
    changes = dict.fromkeys(optional & set(description.required), "")
    mail = render(message, {**description.sample, **changes})
    assert mail.text.startswith("Hello,\n")
    assert "<p" in mail.html
    assert not re.search(r"until *[.\n]| ,|\(\)|: *\.", mail.text)


def test_a_missing_value_inside_a_list_is_named() -> None:
    values = {**MESSAGES["it_pack"].sample, "permissions": [{"name": "User.Read.All"}]}
    with pytest.raises(MissingValueError) as missing:
        render("it_pack", values)
    assert (missing.value.template, missing.value.value) == ("it_pack/body.txt", "why")


def test_a_message_that_rests_on_its_link_is_not_rendered_without_it() -> None:
    with pytest.raises(MissingValueError, match=r"consent_request.*'link'"):
        render("consent_request", {**MESSAGES["consent_request"].sample, "link": ""})


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://x.example", "//x.example"])
def test_only_web_addresses_are_mailed(link: str) -> None:
    with pytest.raises(BadLinkError):
        render("invitation", {**MESSAGES["invitation"].sample, "link": link})


def test_an_unknown_message_is_refused() -> None:
    with pytest.raises(UnknownMessageError, match="birthday_wishes"):
        render("birthday_wishes", COMMON_SAMPLE)


def test_the_it_pack_holds_all_that_it_needs() -> None:
    sample = MESSAGES["it_pack"].sample
    mail = render("it_pack", sample)
    for words in (mail.text, " ".join(Page(mail.html).words.split())):
        for needed in (
            "single sign-on (SSO)",
            "User.Read.All",
            "Organization.Read.All",
            "Global Administrator",
            "Privileged Role Administrator",
            *(str(sample[name]) for name in ("link", "consent_link", "login_url")),
            *(str(sample[name]) for name in ("sender_address", "sender_domain")),
            str(sample["owner_address"]),
            "forward",
        ):
            assert needed in words
    for step in range(1, 6):
        assert f"\n{step}. " in mail.text


def test_users_are_sent_to_their_it_team_and_support_not_to_the_account_manager() -> None:
    for message, description in MESSAGES.items():
        if description.audience is Readership.USER:
            mail = render(message, description.sample)
            assert str(description.sample["owner_address"]) not in mail.text + mail.html
            assert str(description.sample["support_address"]) in mail.text


def test_an_endless_name_does_not_make_an_endless_subject() -> None:
    mail = render("invitation", {**MESSAGES["invitation"].sample, "organisation_name": "x" * 5000})
    assert len(mail.subject) <= 200


def test_renders_well_over_a_thousand_mails_a_second() -> None:
    sample = MESSAGES["sign_in_with_sso"].sample
    render("sign_in_with_sso", sample)
    started = time.process_time()
    for _ in range(500):
        render("sign_in_with_sso", sample)
    assert 500 / (time.process_time() - started) > 1_000
