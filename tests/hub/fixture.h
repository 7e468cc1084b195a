/*
 * A whole hub in a test: its policies, a clock that is moved by hand, tokens, and turns as the
 * program's loop makes them.  The service's side is in service.h, a device's in device.h.
 */
#ifndef TESTS_HUB_FIXTURE_H
#define TESTS_HUB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "hub/core.h"
#include "hub/hub.h"
#include "store/events.h"

#define HOST "hub.test"

/* 2026-03-02T12:00:00Z, when each test begins. */
#define START_MS 1772452800000LL
#define START_S  (START_MS / 1000)

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

/* Keys, base64 of 32 bytes: of the policies, of the devices and modules that tests make. */
#define KEY_OWNER         "b3duZXItMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A="
#define KEY_OWNER_SECOND  "b3duZXIyLTAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm8="
#define KEY_SERVICE       "c2VydmljZS0wMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW4="
#define KEY_DEVICE_POLICY "ZGV2aWNlLTAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm8="
#define KEY_READ          "cmVnaXN0cnlSZWFkLTAxMjM0NTY3ODlhYmNkZWZnaGk="
#define KEY_READ_WRITE    "cmVnaXN0cnlSZWFkV3JpdGUtMDEyMzQ1Njc4OWFiY2Q="
#define KEY_FIRST         "ZC1wcmltYXJ5LTAxMjM0NTY3ODlhYmNkZWZnaGlqa2w="
#define KEY_SECOND        "ZC1zZWNvbmRhcnktMDEyMzQ1Njc4OWFiY2RlZmdoaWo="
#define KEY_OTHER         "b3RoZXItMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A="

struct device;
struct faults;

#define FIXTURE_TOKENS 16

struct fixture {
    struct hub *hub;
    struct clock clock;
    struct faults *faults; /* NULL: devices may not ask for any */
    char folder[256];      /* "" for a hub in memory */
    char path[300];
    struct device *devices; /* all connections; device.h */
    struct buf tokens[FIXTURE_TOKENS];
    size_t n_tokens;
    int64_t event_offset;           /* of the last event that was read */
    struct hub_file_settings files; /* of the hub when it is opened */
};

/* cmocka's set-ups and tear-down. */
int fixture_memory(void **state);
int fixture_disk(void **state);
int fixture_end(void **state);

/* A test with a hub in memory, and one with a hub on disk. */
#define HUB_TEST(test)  cmocka_unit_test_setup_teardown(test, fixture_memory, fixture_end)
#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_disk, fixture_end)

/* Stop the process in order and start it again. */
void fixture_restart(struct fixture *f);

/* The process is killed and started again: what the last turn committed is all that is left. */
void fixture_kill(struct fixture *f);

/* What the loop does between intake and output, and the output of each connection. */
void fixture_turn(struct fixture *f);

/* Let time pass; a turn is taken whenever something is due, and at the end. */
void fixture_pass(struct fixture *f, int64_t ms);

/*
 * A token that is valid for that many seconds from now on.  The text stays until
 * FIXTURE_TOKENS more were made.
 */
const char *token_for(struct fixture *f, const char *resource, const char *key,
                      const char *policy, int64_t valid_s);

/* The same for "hub.test/devices/d" or "hub.test/devices/d/modules/m", for an hour. */
const char *token_of(struct fixture *f, const char *device, const char *module,
                     const char *key);

/* The next event of the log; false when there is none. */
bool next_event(struct fixture *f, struct store_event *out);
void assert_no_event(struct fixture *f);

/* An identity from "d" or "d/m". */
struct identity id_of(const char *text);

/* ---- JSON ------------------------------------------------------------------------------- */

/* The member at a path of names with dots between; NULL when there is none. */
json_t *json_below(const json_t *value, const char *path);

/* Texts to compare with are JSON with ' for ", to be read easily; a copy with ".  NULL stays.
 */
char *with_quotes(const char *text);
void assert_json(const json_t *value, const char *want);
json_t *json_from(const char *text);

/* A section of a twin without "$metadata" and "$version". */
void assert_section(const json_t *section, const char *want);

const char *text_below(const json_t *value, const char *path);
int64_t number_below(const json_t *value, const char *path);

void assert_slice(struct slice got, const char *want);

/* Whether the text is one of the form, where 'd' is a digit, 'x' a hex digit, all else itself.
 */
bool has_form(const char *text, const char *form);

#endif
