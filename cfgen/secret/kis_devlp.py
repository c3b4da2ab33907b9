"""``kis_devlp.yaml``, in which the broker's own samples keep keys and addresses. Pure.

Source: github.com/koreainvestment/open-trading-api, ``kis_devlp.yaml``.
"""

NAMES = {
    "my_app": "KIS_APP_KEY",
    "my_sec": "KIS_APP_SECRET",
    "paper_app": "KIS_PAPER_APP_KEY",
    "paper_sec": "KIS_PAPER_APP_SECRET",
    "my_htsid": "KIS_HTS_ID",
    "my_acct_stock": "KIS_ACCT_STOCK",
    "my_acct_future": "KIS_ACCT_FUTURE",
    "my_paper_stock": "KIS_PAPER_STOCK",
    "my_paper_future": "KIS_PAPER_FUTURE",
    "my_prod": "KIS_PROD_TYPE",
    "prod": "KIS_URL_PROD",
    "vps": "KIS_URL_VPS",
    "ops": "KIS_URL_OPS",
    "vops": "KIS_URL_VOPS",
    "my_agent": "KIS_USER_AGENT",
}
"""Name in the secret of each of its fields; ``cfgen/host/scripts/key-file`` writes them back."""
