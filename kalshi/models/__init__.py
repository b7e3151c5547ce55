from kalshi.models.accounts import Account, Grant
from kalshi.models.audit import AuditEvent, SeenAddress
from kalshi.models.policies import EndpointPolicy, PolicyGeneration
from kalshi.models.second_factor import Authenticator, RecoveryCodes
from kalshi.models.sign_in import SignInCode
from kalshi.models.tokens import ApiToken
from kalshi.models.virtual_keys import VirtualKey

__all__ = [
    "Account",
    "ApiToken",
    "AuditEvent",
    "Authenticator",
    "EndpointPolicy",
    "Grant",
    "PolicyGeneration",
    "RecoveryCodes",
    "SeenAddress",
    "SignInCode",
    "VirtualKey",
]
