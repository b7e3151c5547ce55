"""The pages for people: the dashboard and signing in and out."""

from django.urls import path

from kalshi.views import audit, pages, sign_in

urlpatterns = [
    path("", pages.home, name="home"),
    path("audit.csv", audit.export, name="audit"),
    path("sign-in/", sign_in.PasswordSignIn.as_view(), name="sign-in"),
    path("sign-in/<str:code>/", sign_in.link, name="sign-in-link"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
]
