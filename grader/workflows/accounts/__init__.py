"""Who may come in and as what: accounts, passwords, enrolments, whom an identity provider means."""
