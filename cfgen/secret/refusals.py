"""What does not belong in the secret: keys of AWS, and texts that stand for a key. Pure."""

import re

AWS_NAME = re.compile(
    r"(?i:(.*_)?AWS_?(ACCESS_?KEY.*|SECRET(_?ACCESS)?(_?KEY.*)?|SE(SSION|CURITY)_?TOKEN.*)"
    r"|AWS_((DEFAULT_)?PROFILE|(SHARED_CREDENTIALS|CONFIG|WEB_IDENTITY_TOKEN)_FILE"
    r"|ROLE_.*|CONTAINER_.*|CREDENTIAL.*|BEARER_.*))"
)
"""Variables out of which AWS's SDKs take credentials (AWS SDKs and Tools Reference Guide, "Settings
reference"), also with a prefix or a suffix. AWS_REGION or a bucket's name is none of them."""

AWS_VALUE = re.compile(r"(?<![A-Za-z0-9])A(KI|SI)A[A-Z0-9]{16,}(?![A-Za-z0-9])")
"""An access key's id (IAM User Guide, "Unique identifiers": AKIA long-term, ASIA temporary)."""

AWS_WHY = "a credential of AWS: the host has a role of its own, and needs nobody's keys"

_STANDS_FOR = re.compile(
    r"<.*>|\[[A-Za-z_ ]+\]|\{\{.*\}\}|\$\{.*\}"
    r"|[xX]{3,}|[*.?_-]{3,}"
    r"|(?i:your|put|enter|insert|paste)[ _-].*"
    r"|.*[ _-](?i:here)"
    r"|(?i:my)?[ _-]?(?i:(kis|api|app|paper|hts))[ _-]?(?i:(app)?[ _-]?(key|secret|id))"
    r"|(?i:(change|replace|fill)[ _-]?(me|this|in).*)"
    r"|(?i:placeholder|todo|tbd|dummy|secret|token|password)"
)
_KOREAN = re.compile(
    r"앱 ?키|시크릿|비밀 ?키|시크리트|계좌|아이디|토큰|입력|사용자|자리|여기|발급|본인"
)
"""Words of the broker's sample (앱키, 증권계좌 8자리, 사용자 HTS ID) and of those made after it."""

_LONGEST = 60


def is_placeholder(name: str, value: str) -> bool:
    """Whether a value only says what belongs in its place."""
    text = value.strip()
    if len(text) > _LONGEST:
        return False
    return bool(text.upper() == name.upper() or _STANDS_FOR.fullmatch(text) or _KOREAN.search(text))
