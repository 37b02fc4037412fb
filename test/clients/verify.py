"""Verifies a webhook delivery's JWT with PyJWT's default settings.

Reads the same JSON as verify.mjs on standard input, prints the claims as a JSON line, and
succeeds when the token holds and its hash is that of the body.
"""

import base64
import hashlib
import json
import sys

import jwt


def main() -> int:
    delivery = json.load(sys.stdin)
    headers = {}
    for name, value in delivery["headers"].items():
        headers[name.lower()] = ",".join(value) if isinstance(value, list) else value
    token = headers.get(delivery.get("token_header", "X-Authenticity-Token").lower(), "")
    try:
        claims = jwt.decode(token, delivery["secret"], algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        print(json.dumps({"check": "pyjwt", "ok": False, "error": f"{type(error).__name__}: {error}"}))
        return 1
    want = "sha-256:" + hashlib.sha256(base64.b64decode(delivery["body"])).hexdigest()
    ok = claims.get("webhook", {}).get("hash") == want
    print(json.dumps({"check": "pyjwt", "ok": ok, "result": claims}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
