"""Outside /api/, where nginx never passes a request on: for whoever runs the server."""

import json

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import revocation


def health(request):
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_POST
def revoke_access(request):
    wanted = json.loads(request.body or b"{}")
    revocation.revoke(wanted.get("user"))
    return JsonResponse({"revoked": wanted.get("user", "*")})
