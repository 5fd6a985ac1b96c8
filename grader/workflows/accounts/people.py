"""Accounts as commands and pages change them: made, enrolled, given a password or a link, removed."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from grader.errors import UsageError
from grader.store import Store
from grader.store.accounts import AccountRecord, EnrolmentRecord
from grader.store.signed_in import Comer
from grader.workflows.accounts.passwords import hash_password, require_good
from grader.workflows.accounts.roles import Role

__all__ = [
    "LINK_LASTS",
    "Person",
    "SignedOut",
    "account_of",
    "add_account",
    "enrol",
    "make_link",
    "plain_login",
    "remove_account",
    "role_named",
    "set_password",
    "sign_out",
    "tokens_of",
    "who_is_in",
]

#: How long a link of an account can be used.
LINK_LASTS = timedelta(days=2)
_LOGIN = re.compile(r"[\w.@+-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Person:
    """One account for a list."""

    login: str
    email: str
    has_password: bool
    enrolments: tuple[EnrolmentRecord, ...]


@dataclass(frozen=True)
class SignedOut:
    """What ended, and what goes on.

    Attributes:
        sessions: How many ended.
        tokens: Names of tokens for programs that ended.
        kept: Names of those that go on.
    """

    sessions: int
    tokens: tuple[str, ...]
    kept: tuple[str, ...]


def plain_login(typed: str) -> str:
    """One way of writing a name, so that nobody else can look like its owner by a letter's case or form.

    Raises:
        UsageError: It cannot be a name.
    """
    login = unicodedata.normalize("NFKC", typed).strip().casefold()
    if not _LOGIN.fullmatch(login):
        raise UsageError(
            "this cannot be the name of an account",
            expected="letters, digits and . _ @ + -, at most 64",
            found=typed[:80],
        )
    return login


def role_named(text: str) -> Role:
    """A role as it is typed.

    Raises:
        UsageError: There is no such role.
    """
    try:
        return Role(text)
    except ValueError:
        raise UsageError("there is no such role", expected=", ".join(Role), found=text) from None


def account_of(store: Store, typed: str) -> AccountRecord:
    """The account of this name.

    Raises:
        UsageError: There is none.
    """
    login = plain_login(typed)
    found = store.accounts.find(login)
    if found is None:
        raise UsageError(
            "there is no account of this name",
            where=login,
            todo="`grader account add NAME --role ROLE` makes one",
        )
    return found


def add_account(
    store: Store, typed: str, role: Role, *, course: str = "", email: str = "", student: str = ""
) -> AccountRecord:
    """Makes an account that is in one course.

    Args:
        store: The home course's.
        typed: The name.
        role: What they are in the course.
        course: Its short name; empty for the home course.
        email: By which an identity provider knows them, if that is used.
        student: The id that a student hands in under; their name, where it is empty.

    Raises:
        UsageError: The name cannot be one, or is taken.
    """
    login = plain_login(typed)
    return store.accounts.add(
        login, email.strip().casefold(), _enrolment(store, login, role, course, student)
    )


def enrol(store: Store, typed: str, role: Role, *, course: str = "", student: str = "") -> EnrolmentRecord:
    """Says what somebody is in a course, and signs them out wherever they are signed in.

    Raises:
        UsageError: There is no such account.
    """
    account = account_of(store, typed)
    enrolment = _enrolment(store, account.login, role, course, student)
    store.accounts.enrol(account.id, enrolment)
    return enrolment


def _enrolment(store: Store, login: str, role: Role, course: str, student: str) -> EnrolmentRecord:
    own = student.strip() or login if role is Role.STUDENT else ""
    return EnrolmentRecord(course=course or store.course.name, role=role.value, student=own)


def remove_account(store: Store, typed: str, *, course: str = "") -> None:
    """Erases an account, or takes it out of one course; their marks keep their name.

    Raises:
        UsageError: There is no such account, or it is not in that course.
    """
    account = account_of(store, typed)
    if not course:
        store.accounts.remove(account.id)
    elif not store.accounts.leave(account.id, course):
        raise UsageError("they are not in this course", where=account.login, found=course)


def set_password(store: Store, account: AccountRecord, password: str) -> None:
    """Gives a password, and ends what they were signed in by before.

    Raises:
        UsageError: It is too short, too long or easily guessed.
    """
    require_good(password, account.login)
    store.accounts.set_password(account.id, hash_password(password))


def make_link(store: Store, account: AccountRecord, *, sets_password: bool) -> str:
    """A token that signs somebody in once, kept as its hash.

    Args:
        store: The home course's.
        account: Whom.
        sets_password: Whether they choose a password with it.
    """
    token = secrets.token_urlsafe(32)
    comer = Comer(account=account.id, sets_password=sets_password)
    store.signed_in.keep_link(token, comer, store.clock() + LINK_LASTS)
    return token


def sign_out(store: Store, typed: str, *, keep_tokens: bool = False) -> SignedOut:
    """Ends all by which this name comes in: sessions, unused links, and tokens for programs.

    Whoever asks for this wants somebody out, and does not think of the script that goes on as them.

    Args:
        store: The home course's.
        typed: An account, or a name that links of the server's own gave.
        keep_tokens: Whether programs go on.
    """
    account = store.accounts.find(plain_login(typed))
    sessions, ended, kept = store.signed_in.end_named(typed.strip()), [], []
    if account is not None:
        sessions += store.accounts.sign_out(account.id)
        ended = [] if keep_tokens else store.api_tokens.revoke_all(account.id)
        kept = tokens_of(store, account)
    return SignedOut(sessions, tuple(ended), tuple(kept))


def tokens_of(store: Store, account: AccountRecord) -> list[str]:
    """Names of an account's tokens for programs that have not ended."""
    now = store.clock()
    known = store.api_tokens.everyones(account.id)
    return [each.name for each in known if each.until is None or each.until > now]


def who_is_in(store: Store) -> list[Person]:
    """All accounts, by name."""
    return [
        Person(
            login=account.login,
            email=account.email,
            has_password=bool(account.password),
            enrolments=tuple(enrolments),
        )
        for account, enrolments in store.accounts.everybody()
    ]
