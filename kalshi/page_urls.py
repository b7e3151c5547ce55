"""The pages for people: the dashboard and signing in and out."""

from django.urls import path

from kalshi.views import audit, pages, sign_in, you

urlpatterns = [
    path("", pages.home, name="home"),
    path("audit.csv", audit.export, name="audit"),
    path("sign-in/", sign_in.PasswordSignIn.as_view(), name="sign-in"),
    path("sign-in/code/", sign_in.code, name="sign-in-code"),
    path("sign-in/<str:code>/", sign_in.link, name="sign-in-link"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("you/", you.overview, name="you"),
    path("you/password/", you.Password.as_view(), name="you-password"),
    path("you/second-factor/", you.AddSecondFactor.as_view(), name="you-second-factor"),
    path("you/second-factor/remove/", you.RemoveSecondFactor.as_view(), name="you-second-factor-remove"),
    path("you/recovery-codes/", you.NewRecoveryCodes.as_view(), name="you-recovery-codes"),
    path("you/sign-out-everywhere/", you.sign_out_everywhere, name="sign-out-everywhere"),
]
