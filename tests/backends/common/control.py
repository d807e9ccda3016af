"""Outside of what nginx passes on: for whoever runs the server."""

import json

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import revocation


def health(request):
    return JsonResponse({"status": "ok"})


@csrf_exempt
@require_POST
def revoke(request, kind):
    user = json.loads(request.body or b"{}").get("user")
    return JsonResponse({"user": user or "*", "revoked": revocation.revoke(kind, user)})
