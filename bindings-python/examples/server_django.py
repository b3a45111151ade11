"""Django views behind Scopegate, with a check of a further scope in a view."""
import os
from collections.abc import Callable
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.decorators import sync_only_middleware
from django.views.decorators.http import require_POST

from scopegate import Rejected, ResourceServer
from scopegate.wsgi import ScopegateMiddleware, require, token

gate = ResourceServer(resource=os.environ["RESOURCE"], authorization_servers=[os.environ["ISSUER"]])


@sync_only_middleware
class RefusalMiddleware:
    """Sends what a view refuses with the bytes of the refusal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Rejected):
            return HttpResponse(exception.body, status=exception.status, headers=dict(exception.headers))
        return None


def read(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"reader": token(request.META).subject})


@require_POST
def create(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"author": require(request.META, "reports:write").subject})


urlpatterns = [path("reports", read), path("reports/new", create)]
settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.RefusalMiddleware"])
application = ScopegateMiddleware(get_wsgi_application(), gate, health="/healthz")

if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ["PORT"]), application).serve_forever()
