"""Writes seeds of the fuzz targets, made from the shared vectors, into a folder: `seeds.py FOLDER`."""

import base64
import hashlib
import json
import pathlib
import sys

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
FIELD, ITEM, TOKEN = "\x1f", "\x1e", "\x1d"


def cases():
    for path in sorted(VECTORS.glob("*.json")):
        for group in json.loads(path.read_text())["groups"]:
            for case in group["cases"]:
                yield group, case


def fields(*values):
    return FIELD.join(ITEM.join(value) if isinstance(value, list) else value for value in values).encode()


def part(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def tokens(request):
    for line in request.get("authorization", []):
        scheme, _, token = line.partition(" ")
        if scheme == "Bearer" and token.count(".") == 2:
            yield token


def seeds():
    for group, case in cases():
        request = case["request"]
        config = json.dumps(group["config"])
        if "_file" not in config:
            yield "configuration", config.encode()
        body = request.get("body", "")
        lines = [line if len(line) < 60 else f"Bearer {TOKEN}" for line in request.get("authorization", [])]
        yield (
            "request",
            fields(
                str(len(body) % 4),
                request.get("method", ""),
                request.get("target", ""),
                lines,
                request.get("origin", []),
                request.get("access_control_request_method", ""),
                request.get("access_control_request_headers", ""),
                request.get("scopes", []),
                "1" if "body" in request else "0",
                body,
            ),
        )
        if body:
            versions = request.get("protocol_version", [])
            yield "call", fields(versions, request.get("mcp_method", []), request.get("mcp_name", []), body)
        for token in tokens(request):
            yield "jws", b"0\x1f" + token.encode()
            try:
                header, payload = (part(text) for text in token.split(".")[:2])
                yield "jws", b"1\x1f" + header
                claims = json.loads(payload)
                differences = [f"{name}={json.dumps(value)}" for name, value in claims.items()]
                yield "claims", fields("0", str(len(differences) % 4), str(case["now"] - 1_800_000_000), differences)
            except (ValueError, AttributeError):
                continue
        for server in group["config"].get("authorization_servers", []):
            if isinstance(server, dict) and "jwks" in server:
                yield "key_set", json.dumps(server["jwks"]).encode()
        lists = [group["config"].get(name, []) for name in ("scopes_supported", "required_scopes", "initial_scopes")]
        resource = group["config"]["resource"]
        if all(isinstance(item, str) for items in lists for item in items):
            yield "challenge", fields(resource, *lists, ["mcp:weather"], request.get("scopes", []), "0")
    for case in json.loads((VECTORS / "configuration" / "errors.json").read_text())["cases"]:
        config = case["config"]
        text = config if isinstance(config, str) else json.dumps(config)
        if "_file" not in text:
            yield "configuration", text.encode()
    for issuer, place in [
        ("https://as.test", "https://as.test/keys"),
        ("http://127.0.0.1:9000/tenant", "http://127.0.0.1:9000/k"),
    ]:
        document = json.dumps({"issuer": issuer, "jwks_uri": place, "scopes_supported": ["a"]})
        yield "discovery", fields("0" if issuer.startswith("https") else "1", "0", document)
        yield "discovery", fields("3", issuer, "1", document)
    # Where the input is choices, any bytes do.
    for target in ("policy", "c_calls", "key_source"):
        for number in range(40):
            blocks = (f"{target} {number} {block}" for block in range(1 + number % 8))
            digest = b"".join(hashlib.sha256(block.encode()).digest() for block in blocks)
            yield target, digest


def main():
    folder = pathlib.Path(sys.argv[1])
    for target, seed in seeds():
        if len(seed) <= 4096:
            path = folder / target / hashlib.sha1(seed).hexdigest()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(seed)


if __name__ == "__main__":
    main()
