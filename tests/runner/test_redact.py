"""What is taken out of text, and what stays; the values of .env files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctui.runner import redact as module
from cctui.runner.redact import MARK, Redactor, env_values, redact

BODY = "MIIEpAIBAAKCAQEAx0V8Vd9PqnUuZJ3o1t2y5h4gHc1rD0s8eQm4kXw2vB7n6LaT"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}\nabc=\n-----END RSA PRIVATE KEY-----"
LETTERS = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

SECRETS = {
    "anthropic": "sk-ant-api03-" + LETTERS,
    "oauth": "sk-ant-oat01-made-up",
    "openai": "sk-proj-" + LETTERS,
    "openai, old": "sk-" + LETTERS,
    "stripe": "sk_live_" + LETTERS,
    **{kind: f"gh{kind}_" + LETTERS + "abcdefghi" for kind in "pousr"},
    "github, fine": "github_pat_11ABCDEFG0_" + LETTERS,
    "gitlab": "glpat-" + "x7Yz" * 5,
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws, short-lived": "ASIA" + "IOSFODNN7EXAMPLE",
    "web token": TOKEN,
    "unsigned": TOKEN.rpartition(".")[0] + ".",
    "slack": "xoxb-1234567890-" + LETTERS,
    "google": "AIza" + "SyA-1234567890abcdefghijklmnopqrstu",
    "npm": "npm_" + "a1B2c3" * 6,
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" * 5,
}
FRAMES = ("{}", "a {} b", "key={}", '"{}"', "({}),", "x\\n{}\\ny", "https://h/?t={}&u=1", "first line\n{}\nlast line")


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("kind", SECRETS)
def test_keys_and_tokens_go_wherever_they_stand(kind: str, frame: str) -> None:
    secret = SECRETS[kind]
    shown = redact(frame.format(secret))
    assert MARK in shown
    assert secret[-8:] not in shown and LETTERS not in shown
    before, after = frame.split("{}")
    assert shown.startswith(before) and shown.endswith(after)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [redacted]"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic [redacted]"),
        ("curl -H 'Authorization: Basic dXNlcjpwYXNz' u", "curl -H 'Authorization: Basic [redacted]' u"),
        ('{"Authorization": "Bearer tok-1234567"}', '{"Authorization": "Bearer [redacted]"}'),
        (r"{\"Authorization\": \"Bearer tok-1234567\"}", r"{\"Authorization\": \"Bearer [redacted]\"}"),
        ("Bearer abcdefghij0123456789", "Bearer [redacted]"),
        ("X-Api-Key: 0123456789abcdef0123", "X-Api-Key: [redacted]"),
        ("postgres://user:pa55word@db/x", "postgres://user:[redacted]@db/x"),
        ("redis://:pa55word@db:6379/0", "redis://:[redacted]@db:6379/0"),
        ("https://me:p@ss:w0rd@host/a@b", "https://me:[redacted]@host/a@b"),
        ("aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [redacted]"),
        (PEM, "[redacted]"),
        (f"a\n{PEM}\nb", "a\n[redacted]\nb"),
        (f"a {PEM} b", "a [redacted]\n b"),
        ('"' + PEM.replace("\n", "\\n") + '", "x"', '"[redacted]", "x"'),
        (f"KEY={PEM.partition('-----END')[0]}", "KEY=[redacted]"),
        (PEM.replace("RSA ", "OPENSSH ").replace("\n", "\r\n"), "[redacted]"),
        ("\n".join(f"{n:6}\t{line}" for n, line in enumerate(PEM.split("\n"))), "     0\t[redacted]"),
        ("\n".join(f"+{line}" for line in PEM.split("\n")), "+[redacted]"),
        ("\n".join(f"certs/k.pem:{line}" for line in PEM.split("\n")), "certs/k.pem:[redacted]"),
        (f"{PEM}\n{PEM}", "[redacted]\n[redacted]"),
    ],
)
def test_headers_addresses_and_private_keys(text: str, shown: str) -> None:
    assert redact(text) == shown


ORDINARY = [
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "3b241101-e2bb-4255-8caf-4136c566a962",
    "aGVsbG8gd29ybGQ= eyJhIjoxfQ==",
    "/home/me/project/src/sk-learn/ask-anything-about-this-2024-project.py",
    "task-management-of-something-rather-long-12",
    "risk-assessment-2024-and-all-the-other-things",
    "highs_and_lows_of_the_season_and_what_follows",
    "npm_config_registry npm_package_version npm_lifecycle_event",
    "import sklearn; sk-image sk-ant-… sk-ant-",
    "git@github.com:owner/repository.git ssh://git@host:22/x",
    "http://localhost:8080/a@b https://host:443/?to=a@b",
    "https://$USER:$TOKEN@host https://{user}:{password}@host",
    "Authorization: Bearer ${TOKEN}",
    "Authorization: Bearer <token>",
    "Authorization: Basic authentication is needed",
    "headers.authorization = request.headers.authorization",
    "The bearer of this letter is entitled to enter the building",
    "-----BEGIN PRIVATE KEY----- is how such a file begins",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END CERTIFICATE-----",
    "AKIA ASIA AKIAx MASIATIC AKIAIOSFODNN7EXAMPLEEXAMPLE",
    "ghp_ gho_short github_pat_ glpat- xoxb- AIza",
    "module.submodule.attribute eyJ.a.b eyJust.a.word",
    "10%\r20% \x1b[31mred\x1b[0m\ttab",
    "",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text
    assert redact(f"x {text} y\n{text}\n") == f"x {text} y\n{text}\n"


def test_given_values_go_the_longest_first_and_as_json_writes_them() -> None:
    values = ("hunter", 'hunter"2\\ü', "", "  ")
    assert redact('hunter hunter"2\\ü hunter\\"2\\\\ü hunter\\"2\\\\\\u00fc', values) == " ".join([MARK] * 4)


def test_a_value_goes_before_a_pattern_can_take_a_part_of_it() -> None:
    value = "postgres://u:pw123456@db/x?key=rest-of-it"
    assert redact(f"DB={value}", [value]) == "DB=[redacted]"


@pytest.mark.parametrize("cut", range(PEM.count("\n") + 1))
def test_a_private_key_that_comes_in_portions(cut: int) -> None:
    lines = [line + "\n" for line in f"before\n{PEM}\nafter all of that".split("\n")]
    redactor = Redactor()
    shown = redactor.lines("".join(lines[:cut])) + redactor.lines("".join(lines[cut:]))
    assert BODY not in shown and "abc=" not in shown
    assert shown.startswith("before\n") and shown.endswith("after all of that\n")


def test_a_private_key_without_end_swallows_no_prose_and_no_more_than_it_can_be() -> None:
    redactor = Redactor()
    assert (
        redactor.lines(f"-----BEGIN PRIVATE KEY-----\n{BODY}\nThen it went on.\n") == "[redacted]\nThen it went on.\n"
    )
    shown = redactor.lines("-----BEGIN PRIVATE KEY-----\n" + f"{BODY}\n" * 1_000)
    assert shown.count(BODY) == 600


def test_text_as_a_whole_is_not_judged_by_the_text_before() -> None:
    redactor = Redactor()
    assert redactor.lines("-----BEGIN PRIVATE KEY-----") == MARK
    assert redactor.whole("word") == "word"
    assert redactor.whole("-----BEGIN PRIVATE KEY-----") == MARK
    assert redactor.lines("word") == "word"


texts = st.lists(
    st.sampled_from([*SECRETS.values(), *ORDINARY, PEM, "\n", " ", "-", ".", "://", ":", "@", "Bearer ", '"', "\\n"])
    | st.text(max_size=5),
    max_size=6,
).map("".join)


@given(texts)
def test_twice_is_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


# --- its work grows with the text ------------------------------------------------------------------------------------

SIZE = 1_000_000
HOSTILE = [
    *(
        "a",
        "-",
        "eyJ",
        "eyJa",
        "eyJ.",
        ".eyJaaaaaaaaaaaa",
        "sk-",
        "sk-ant-",
        "sk-a",
        "\\neyJ",
        "\\nsk-",
        "ghp_",
        "ghp_a",
    ),
    *("npm_", "xoxb-", "AKIA", "AKIAA", "AIza", "glpat-", "github_pat_", "bearer ", "Bearer a", "Authorization: "),
    *("authorization=", "Authorization: Bearer ", "://", "://a:", "a://b:c", "://:@", "-----BEGIN ", "-----BEGIN A "),
    *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\\n", "k_live_", " "),
    *("-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nA\n", "aws_secret_access_key=", "\\n", "A-_."),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_line_of_a_megabyte_is_read(piece: str) -> None:
    """One that took the square of its length would take a trillion steps, and days."""
    for text in (piece * (SIZE // len(piece)), "eyJ PRIVATE KEY sk- ://" + piece * (SIZE // len(piece)) + "!"):
        assert isinstance(redact(text, ["a" * 50 + "b"]), str)


def test_no_pattern_can_go_back_over_a_run_without_bound() -> None:
    """Every repetition without an upper bound is possessive: what it took it never gives back."""
    patterns = [pattern for _, pattern, _ in module._RULES] + [module._BEGIN, module._END, module._INLINE]
    for pattern in patterns:
        bare = re.sub(r"\[(?:\\.|[^\]\\])+\]", "C", pattern)
        assert re.search(r"(?<!\\)(?:[*+]|\{\d+,\})(?!\+)(?<!\+\+)(?<!\*\+)(?<!\}\+)", bare) is None, pattern


# --- .env files ------------------------------------------------------------------------------------------------------


def test_the_values_of_env_files(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "\ufeffAPI_TOKEN=first-secret\n# A=not-this-one1\nexport B_PASSWORD='second secret' # why\n"
        'C_KEY="third#secret"\r\nD_SECRET = fourthsecret # comment\nno line\n=x\nE_TOKEN=short\n'
        "MODE=development\nDEBUG_KEY=true\nPASSWORD=password\nURL=http://localhost:3000/path1234567890abcdef\n"
        "DB=postgres://u:p4ssw0rd@localhost/x\nPORT=12345678\nHOME_DIR=/home/me/somewhere\nNAME=my long application\n"
        "SITE=https://example.invalid/about\nHOOK=https://hooks.example.invalid/T0/B0/x1y2z3\nID=a1b2c3d4e5f6a7b8c9\n"
        "HOST=db.internal.example.com\nAUTH_PROVIDER=keycloak\nMIXED=x9!k#2&vQ\n"
    )
    (tmp_path / ".env.local").write_text("X_TOKEN=fifth-secret\nAPI_TOKEN=first-secret\n")
    (tmp_path / "prod.env").write_text("Y_TOKEN=sixth-secret")
    for name in (".env.example", ".env.sample", ".env.template", "env", "x.envy"):
        (tmp_path / name).write_text("Z_TOKEN=never-a-secret")
    assert env_values(str(tmp_path)) == (
        *("first-secret", "second secret", "third#secret", "fourthsecret", "postgres://u:p4ssw0rd@localhost/x"),
        *("https://hooks.example.invalid/T0/B0/x1y2z3", "a1b2c3d4e5f6a7b8c9", "x9!k#2&vQ", "fifth-secret"),
        "sixth-secret",
    )


def test_a_key_that_names_a_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "server.keyfile").touch()
    (tmp_path / ".env").write_text("SSL_KEY=server.keyfile\nOTHER_KEY=server.keyword\n")
    assert env_values(str(tmp_path)) == ("server.keyword",)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    (tmp_path / ".env.d").mkdir()
    (tmp_path / ".env.gone").symlink_to("nowhere")
    (tmp_path / ".env.loop").symlink_to(".env.loop")
    (tmp_path / ".env.raw").write_bytes(b"A_TOKEN=\xff\xfe\x00aaaaaaaa\nB_TOKEN=good-secret\n")
    assert env_values(str(tmp_path)) == ("good-secret",)
    assert env_values(str(tmp_path / "nowhere")) == ()


def test_how_much_is_read_is_bounded(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"T{n}_TOKEN=secret-number-{n:05}\n" for n in range(300)))
    assert len(env_values(str(tmp_path))) == 200
    (tmp_path / ".env").write_text("# " + "x" * 70_000 + "\nA_TOKEN=beyond-the-end\n")
    for number in range(70):
        (tmp_path / f".env.{number:03}").write_text(f"A_TOKEN=secret-number-{number}\n")
    assert len(env_values(str(tmp_path))) == 63
