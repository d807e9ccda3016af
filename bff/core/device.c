#include "core/device.h"

struct mark {
    struct str text; /* in the User-Agent */
    uint8_t number;
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

enum { UNKNOWN, FIREFOX, CHROME, EDGE, SAFARI, OPERA, SAMSUNG, SCRIPT, BROWSERS };
static const struct str browsers[BROWSERS] = {
    [UNKNOWN] = NAME("a browser"),
    [FIREFOX] = NAME("Firefox"),
    [CHROME] = NAME("Chrome"),
    [EDGE] = NAME("Edge"),
    [SAFARI] = NAME("Safari"),
    [OPERA] = NAME("Opera"),
    [SAMSUNG] = NAME("Samsung Internet"),
    [SCRIPT] = NAME("a program"),
};
static const struct mark browser_marks[] = {
    {NAME("Edg/"), EDGE},
    {NAME("EdgA/"), EDGE},
    {NAME("EdgiOS/"), EDGE},
    {NAME("OPR/"), OPERA},
    {NAME("SamsungBrowser/"), SAMSUNG},
    {NAME("Firefox/"), FIREFOX},
    {NAME("FxiOS/"), FIREFOX},
    {NAME("CriOS/"), CHROME},
    {NAME("Chrome/"), CHROME},
    {NAME("Safari/"), SAFARI},
    {NAME("curl/"), SCRIPT},
    {NAME("python-"), SCRIPT},
    {NAME("Python-"), SCRIPT},
    {NAME("okhttp/"), SCRIPT},
    {NAME("Wget/"), SCRIPT},
};

enum { WINDOWS = 1, MACOS, LINUX, ANDROID, IPHONE, IPAD, CHROMEOS, SYSTEMS };
static const struct str systems[SYSTEMS] = {
    [UNKNOWN] = NAME(""),    [WINDOWS] = NAME("Windows"),   [MACOS] = NAME("macOS"),
    [LINUX] = NAME("Linux"), [ANDROID] = NAME("Android"),   [IPHONE] = NAME("iPhone"),
    [IPAD] = NAME("iPad"),   [CHROMEOS] = NAME("ChromeOS"),
};
/* Android names Linux, too, and iPhones a Mac. */
static const struct mark system_marks[] = {
    {NAME("iPhone"), IPHONE}, {NAME("iPad"), IPAD},       {NAME("Android"), ANDROID},
    {NAME("CrOS"), CHROMEOS}, {NAME("Windows"), WINDOWS}, {NAME("Macintosh"), MACOS},
    {NAME("Linux"), LINUX},   {NAME("X11"), LINUX},
};

static uint8_t find(struct str text, const struct mark *marks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_contains(text, marks[i].text))
            return marks[i].number;
    return UNKNOWN;
}

struct device device_of(struct str user_agent)
{
    return (struct device){
        .browser = find(user_agent, browser_marks, sizeof browser_marks / sizeof browser_marks[0]),
        .system = find(user_agent, system_marks, sizeof system_marks / sizeof system_marks[0]),
    };
}

struct str device_browser(struct device device)
{
    return browsers[device.browser < BROWSERS ? device.browser : UNKNOWN];
}

struct str device_system(struct device device)
{
    return systems[device.system < SYSTEMS ? device.system : UNKNOWN];
}
