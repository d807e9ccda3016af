from rest_framework.views import exception_handler


def with_status_code(error, context):
    response = exception_handler(error, context)
    if response is None:
        return None
    if not isinstance(response.data, dict):
        response.data = {"detail": response.data}
    response.data["statusCode"] = response.status_code
    return response
