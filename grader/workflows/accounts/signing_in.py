"""Whether a name and a password belong together, told in the same time whoever is named."""

from __future__ import annotations

from grader.errors import UsageError
from grader.store import Store
from grader.store.accounts import AccountRecord
from grader.workflows.accounts.passwords import is_right
from grader.workflows.accounts.people import plain_login

__all__ = ["right_password"]


def right_password(store: Store, typed: str, password: str) -> AccountRecord | None:
    """Whose password this is; None for an unknown name, one without a password and a wrong one alike."""
    try:
        account = store.accounts.find(plain_login(typed))
    except UsageError:
        account = None
    right, newer = is_right(password, "" if account is None else account.password)
    if account is None or not right:
        return None
    if newer is not None:
        store.accounts.refresh_password(account.id, account.password, newer)
    return account
