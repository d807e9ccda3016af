#include "../../assert_str.h"

#include "core/device.h"

#define MOZILLA "Mozilla/5.0 "
#define WEBKIT "AppleWebKit/537.36 (KHTML, like Gecko) "
#define IOS "AppleWebKit/605.1.15 (KHTML, like Gecko) "

static void browsers_are_told_apart_though_they_name_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *agent, *browser, *system;
    } rows[] = {
        {MOZILLA "(X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox", "Linux"},
        {MOZILLA "(Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0", "Firefox", "Android"},
        {MOZILLA "(iPhone; CPU iPhone OS 17_6 like Mac OS X) " IOS
                 "FxiOS/131.0 Mobile/15E148 Safari/605.1.15",
         "Firefox", "iPhone"},
        {MOZILLA "(Windows NT 10.0; Win64; x64) " WEBKIT "Chrome/130.0.0.0 Safari/537.36", "Chrome",
         "Windows"},
        {MOZILLA "(Linux; Android 10; K) " WEBKIT "Chrome/130.0.0.0 Mobile Safari/537.36", "Chrome",
         "Android"},
        {MOZILLA "(iPad; CPU OS 17_6 like Mac OS X) " IOS
                 "CriOS/130.0.1 Mobile/15E148 Safari/604.1",
         "Chrome", "iPad"},
        {MOZILLA "(X11; CrOS x86_64 14541.0.0) " WEBKIT "Chrome/130.0.0.0 Safari/537.36", "Chrome",
         "ChromeOS"},
        {MOZILLA "(Windows NT 10.0; Win64; x64) " WEBKIT
                 "Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0",
         "Edge", "Windows"},
        {MOZILLA "(Macintosh; Intel Mac OS X 10_15_7) " IOS "Version/17.6 Safari/605.1.15",
         "Safari", "macOS"},
        {MOZILLA "(X11; Linux x86_64) " WEBKIT "Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0",
         "Opera", "Linux"},
        {MOZILLA "(Linux; Android 13; SM-S918B) " WEBKIT
                 "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
         "Samsung Internet", "Android"},
        {"curl/7.88.1", "a program", ""},
        {"python-requests/2.28.1", "a program", ""},
        {"", "a browser", ""},
        {"<script>alert(1)</script>", "a browser", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device device = device_of(str_from(rows[i].agent));
        assert_str(device_browser(device), str_from(rows[i].browser));
        assert_str(device_system(device), str_from(rows[i].system));
    }
}

static void numbers_of_a_newer_version_say_nothing(void **state)
{
    (void)state;
    struct device device = {.browser = 255, .system = 255};
    assert_str(device_browser(device), STR("a browser"));
    assert_str(device_system(device), STR(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(browsers_are_told_apart_though_they_name_each_other),
        cmocka_unit_test(numbers_of_a_newer_version_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
