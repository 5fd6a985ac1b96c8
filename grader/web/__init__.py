"""The web application: pages on the same use cases as the commands. It decides nothing.

serve      listens, and says how to come in
app        puts the application together; without a permission on every route it does not start
roles      who may what
guards     asks at every request: who is it, may they, was this form ours
addresses  where pages are: those of a course below it
site       a course as its pages see it; the server of all courses
sessions   who is signed in, and links that sign in once
oidc       an identity provider, and what of its answers is believed
proxy      behind TLS: who may connect, and whose address counts
limits     how often somebody may try
presence   who else looks at the same
headers    what browsers are told about every answer
rendering  templates, in the frame of reports
pages/     one use case a module
"""
