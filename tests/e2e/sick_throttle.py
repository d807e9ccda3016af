from rest_framework.throttling import AnonRateThrottle


class OfRefresh(AnonRateThrottle):
    def allow_request(self, request, view):
        return not request.path.endswith("/refresh/") or super().allow_request(request, view)
