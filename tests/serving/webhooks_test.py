"""Who may say that something has changed."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from mlgit.serving.webhooks import caller

TOKEN = b"a-token-of-many-letters"
BODY = b'{"ref": "refs/tags/churn#prod#7"}'
SIGNED = hmac.new(TOKEN, BODY, hashlib.sha256).hexdigest().encode()


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ([(b"authorization", b"Bearer " + TOKEN)], "person"),
        ([(b"x-hub-signature-256", b"sha256=" + SIGNED)], "host"),
        ([(b"x-gitea-signature", SIGNED)], "host"),
        ([(b"x-forgejo-signature", SIGNED)], "host"),
        ([(b"x-gitlab-token", TOKEN)], "host"),
        ([], None),
        ([(b"authorization", b"Bearer " + TOKEN[:-1])], None),
        ([(b"authorization", b"Bearer " + TOKEN), (b"authorization", b"Bearer no")], None),
        ([(b"x-hub-signature-256", b"sha256=" + SIGNED[:-1] + b"0")], None),
        ([(b"x-hub-signature-256", b"sha256=")], None),
        ([(b"x-hub-signature", b"sha1=" + SIGNED)], None),
        ([(b"x-gitlab-token", b"")], None),
    ],
)
def test_only_who_has_the_token_is_heard(headers, who):
    assert caller(headers, BODY, token=TOKEN) == who


def test_signature_is_of_this_body():
    assert caller([(b"x-hub-signature-256", b"sha256=" + SIGNED)], BODY + b" ", token=TOKEN) is None
