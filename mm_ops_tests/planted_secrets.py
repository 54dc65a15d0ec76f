"""Made-up secrets of every kind, put together when a test runs, so that no file of the project holds one."""

import random
import string
from pathlib import Path

from mm_ops.adapters.policy_files import read_policy
from mm_ops.domain.secrets.policy import SecretsPolicy
from mm_ops_tests.requirements import PROJECT

_ALNUM = string.ascii_letters + string.digits
_B64 = _ALNUM + "+/"


def policy(path: Path = PROJECT / "deploy/policies/secrets.yaml") -> SecretsPolicy:
    return read_policy(path, SecretsPolicy)


def drawn(length: int, letters: str = _ALNUM, seed: int = 1) -> str:
    """Letters as a key has them, with a digit and both cases where the alphabet has them."""
    rng = random.Random(f"{length} {letters} {seed}")
    kinds = [
        kind for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase) if set(kind) & set(letters)
    ]
    sure = [rng.choice(sorted(set(kind) & set(letters))) for kind in kinds][:length]
    rest = [rng.choice(letters) for _ in range(length - len(sure))]
    mixed = [*sure, *rest]
    rng.shuffle(mixed)
    return "".join(mixed)


def hexadecimal(length: int) -> str:
    return drawn(length, "0123456789abcdef")


def uuid() -> str:
    return "-".join(hexadecimal(length) for length in (8, 4, 4, 4, 12))


def planted() -> dict[str, tuple[str, str]]:
    """Text and secret by a case's name, which begins with the rule that should find it."""
    key64, key18, key36 = drawn(64), drawn(18), drawn(36)
    kraken, private = drawn(56, _B64), drawn(86, _B64) + "=="
    okx_secret = drawn(32, "0123456789ABCDEF")
    body = drawn(64, _B64)
    head, foot = "-----BEGIN " + "PRIVATE KEY-----", "-----END " + "PRIVATE KEY-----"
    chosen = "Tr0ub4dor" + "&3"
    return {
        "binance_key in YAML": (f"binance:\n  api_key: {key64}\n", key64),
        "binance_key in a header": (f"curl -H 'X-MBX-APIKEY: {key64}'", key64),
        "binance_key in one line of JSON": (f'{{"venue":"binance","auth":{{"apiKey":"{key64}"}}}}', key64),
        "kraken_key": (f"KRAKEN_API_KEY={kraken}", kraken),
        "kraken_key, the private one": (f"kraken = Kraken('{private}')", private),
        "okx_key": (f'okx: {{api_key: "{uuid()}"}}', uuid()),
        "okx_key, the secret one": (f"OKX_SECRET_KEY={okx_secret}", okx_secret),
        "bybit_key": (f"bybit_api_key = '{key18}'", key18),
        "bybit_key, the secret one": (f'{{"bybit": {{"secret": "{key36}"}}}}', key36),
        "coinbase_key of 16": (f'coinbase_api_key="{drawn(16)}"', drawn(16)),
        "coinbase_key, the secret one": (f"CB-ACCESS-KEY: {hexadecimal(32)}", hexadecimal(32)),
        "coinbase_key of an organisation": (
            f'"coinbase": {{"key": "organizations/{uuid()}/apiKeys/{uuid()}"}}',
            f"organizations/{uuid()}/apiKeys/{uuid()}",
        ),
        "kucoin_key": (f"KC-API-KEY: {hexadecimal(24)}", hexadecimal(24)),
        "kucoin_key, the secret one": (f"kucoin_secret: {uuid()}", uuid()),
        "exchange_passphrase": (f"OK-ACCESS-PASSPHRASE: {chosen}", chosen),
        "exchange_passphrase in JSON": (f'{{"okx": {{"apiPassphrase": "{chosen}"}}}}', chosen),
        "exchange_passphrase_bare": (f"kucoin:\n  passphrase: {chosen}\n", chosen),
        "exchange_secret_quoted": (f"bybit.Client(me, '{key36}')", key36),
        "okx_key in XML": (f"<okx><secretKey>{okx_secret}</secretKey></okx>", okx_secret),
        "okx_key in an attribute": (f'<p name="okx.secret" value="{okx_secret}"/>', okx_secret),
        "bybit_key in a table": (f"| bybit | api_secret | {key36} |", key36),
        "kucoin_key on the next line": (f"kucoin:\n  secret: >-\n    {uuid()}\n", uuid()),
        "kraken_key in a query": (
            f"https://api.kraken.com/?k={private.replace('+', '%2B').replace('=', '%3D')}",
            private,
        ),
        "private_key": (f"{head}\n{body}\n{foot}\n", body[:40]),
        "private_key in a string of JSON": (f'{{"key": "{head}\\n{body}\\n{foot}"}}', ""),
        "putty_key": ("Private" + f"-Lines: 1\n{body}\n", body),
        "age_key": (f"AGE-SECRET-KEY-1{drawn(58, string.digits + string.ascii_uppercase)}", ""),
        "aws_key": (f"aws_access_key_id = AKIA{drawn(16, string.ascii_uppercase + '234567')}", ""),
        "github_token": (f"ghp_{drawn(36)}", ""),
        "github_token, fine-grained": (f"github_pat_{drawn(22)}_{drawn(59)}", ""),
        "gitlab_token": (f"glpat-{drawn(20)}", ""),
        "slack_token": (f"xoxb-{drawn(12, string.digits)}-{drawn(24)}", ""),
        "slack_webhook": (f"https://hooks.slack.com/services/T{drawn(10)}/B{drawn(10)}/{drawn(24)}", ""),
        "discord_webhook": (f"https://discord.com/api/webhooks/{drawn(18, string.digits)}/{drawn(68)}", ""),
        "telegram_token": (f"https://api.telegram.org/bot{drawn(10, string.digits)}:{drawn(35)}/x", ""),
        "google_key": (f"AIza{drawn(35)}", ""),
        "grafana_token": (f"glsa_{drawn(32)}_{hexadecimal(8)}", ""),
        "stripe_key": (f"sk_live_{drawn(24)}", ""),
        "npm_token": (f"npm_{drawn(36)}", ""),
        "pypi_token": (f"pypi-AgEIcHlwaS{drawn(60)}", ""),
        "json_web_token": (f"eyJ{drawn(30)}.eyJ{drawn(60)}.{drawn(43)}", ""),
        "password_in_url": (f"postgresql://mm:{drawn(12)}@db.internal/journal", drawn(12)),
        "bearer_token": (f"Authorization: Bearer {drawn(40)}", drawn(40)),
        "hex_secret": (f"api_secret: {hexadecimal(40)}", hexadecimal(40)),
        "named_secret": (f'client_secret = "{drawn(32)}"', drawn(32)),
        "hex_secret of a wallet": (f"SECRET_KEY=0x{hexadecimal(64)}", f"0x{hexadecimal(64)}"),
        "password_bare": (f"DB_PASSWORD={drawn(12)}\n", drawn(12)),
        "basic_credentials": (f"Authorization: Basic {drawn(24)}", drawn(24)),
        "password": (f'"password": "{drawn(10)}"', drawn(10)),
    }
