/*
 * The table of outcomes, made from the lists in the header.
 */
#include "iothub/status.h"

#include "base/macros.h"
#include "base/slice.h"

struct row {
    enum iothub_status status;
    const char *name;
};

static const struct row rows[] = {
#define ROW(constant, code, name) {constant, name},
    IOTHUB_LOCAL_STATUSES(ROW) IOTHUB_HUB_STATUSES(ROW)
#undef ROW
};

/* NULL for a value that is no row. */
static const struct row *find(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if ((int)rows[i].status == code) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *iothub_status_name(enum iothub_status status)
{
    const struct row *row = find((int)status);

    return row == NULL ? "Unknown" : row->name;
}

int iothub_status_http(enum iothub_status status)
{
    const struct row *row = find((int)status);

    if (status == IOTHUB_OK) {
        return 200;
    }
    return row == NULL || (int)status < 100 ? 500 : (int)status / 1000;
}

enum iothub_status iothub_status_from_name(const char *name, enum iothub_status otherwise)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (slice_equal_nocase(slice_of(name), slice_of(rows[i].name))) {
            return rows[i].status;
        }
    }
    return otherwise;
}

enum iothub_status iothub_status_from_http(int http_status)
{
    if (http_status < 300) {
        return IOTHUB_OK;
    }
    if (http_status == 500) {
        return IOTHUB_SERVER_ERROR; /* the one status whose general row is not *000 */
    }
    const struct row *row = http_status > 599 ? NULL : find(http_status * 1000);
    return row == NULL ? IOTHUB_UNEXPECTED_ANSWER : row->status;
}
