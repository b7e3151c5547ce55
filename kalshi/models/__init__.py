from kalshi.models.policies import EndpointPolicy, PolicyGeneration
from kalshi.models.sign_in import SignInCode
from kalshi.models.tokens import ApiToken

__all__ = ["ApiToken", "EndpointPolicy", "PolicyGeneration", "SignInCode"]
