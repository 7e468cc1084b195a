/*
 * Life of a test's hub, and the small helpers around it.
 */
#include "hub/fixture.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "gateway/fault.h"
#include "hub/device.h"
#include "iothub/json.h"
#include "iothub/sas_token.h"

#define ALL_RIGHTS \
    (HUB_REGISTRY_READ | HUB_REGISTRY_WRITE | HUB_SERVICE_CONNECT | HUB_DEVICE_CONNECT)

static void open_hub(struct fixture *f)
{
    static const struct hub_policy policies[] = {
        {"iothubowner",       KEY_OWNER,         KEY_OWNER_SECOND, ALL_RIGHTS         },
        {"service",           KEY_SERVICE,       NULL,             HUB_SERVICE_CONNECT},
        {"device",            KEY_DEVICE_POLICY, NULL,             HUB_DEVICE_CONNECT },
        {"registryRead",      KEY_READ,          NULL,             HUB_REGISTRY_READ  },
        {"registryReadWrite", KEY_READ_WRITE,    NULL,             HUB_REGISTRY_WRITE },
    };
    static const char *const names[] = {HOST};
    const struct hub_options options = {
        .store_path = f->path[0] == '\0' ? NULL : f->path,
        .names = names,
        .n_names = ARRAY_LEN(names),
        .policies = policies,
        .n_policies = ARRAY_LEN(policies),
        .token_grace_ms = HUB_TOKEN_GRACE_MS,
        .event_retention_ms = 24 * HOUR_MS,
        .event_retention_count = 1000000,
        .files = f->files,
    };
    struct buf error = {.cap = BUF_CAP_OWN};
    if (!hub_open(&options, clock_read(&f->clock), &error, &f->hub)) {
        print_error("%s\n", buf_text(&error));
        f->hub = NULL;
    }
    buf_finish(&error);
    assert_non_null(f->hub);
}

int fixture_memory(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    log_set_level(LOG_ERROR);
    clock_fake(&f->clock, START_MS);
    f->faults = faults_create();
    *state = f;
    open_hub(f);
    return 0;
}

int fixture_disk(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    const char *base = getenv("TMPDIR");
    log_set_level(LOG_ERROR);
    clock_fake(&f->clock, START_MS);
    f->faults = faults_create();
    (void)snprintf(f->folder, sizeof(f->folder), "%s/hub-test-XXXXXX",
                   base == NULL ? "/tmp" : base);
    if (mkdtemp(f->folder) == NULL) {
        free(f);
        return -1;
    }
    (void)snprintf(f->path, sizeof(f->path), "%s/hub.db", f->folder);
    *state = f;
    open_hub(f);
    return 0;
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    struct dirent *entry = NULL;
    while ((entry = readdir(dir)) != NULL) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    (void)rmdir(folder);
}

int fixture_end(void **state)
{
    struct fixture *f = *state;
    devices_destroy(f);
    hub_close(f->hub);
    faults_destroy(f->faults);
    if (f->folder[0] != '\0') {
        remove_folder(f->folder);
    }
    for (size_t i = 0; i < FIXTURE_TOKENS; i++) {
        buf_finish(&f->tokens[i]);
    }
    free(f);
    return 0;
}

void fixture_restart(struct fixture *f)
{
    devices_destroy(f);
    hub_close(f->hub);
    open_hub(f);
}

/* A file that is not there leaves none at the other place. */
static void copy_file(const char *from, const char *to)
{
    char chunk[65536];
    FILE *in = fopen(from, "rb");
    (void)remove(to);
    if (in == NULL) {
        return;
    }
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    for (size_t n = fread(chunk, 1, sizeof(chunk), in); n > 0;
         n = fread(chunk, 1, sizeof(chunk), in)) {
        assert_int_equal(fwrite(chunk, 1, n, out), n);
    }
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

/* The database and its write-ahead log, aside or back. */
static void copy_store(struct fixture *f, bool is_back)
{
    static const char *const parts[] = {"", "-wal"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        char own[320];
        char kept[330];
        (void)snprintf(own, sizeof(own), "%s%s", f->path, parts[i]);
        (void)snprintf(kept, sizeof(kept), "%s.kept%s", f->path, parts[i]);
        copy_file(is_back ? kept : own, is_back ? own : kept);
    }
}

void fixture_kill(struct fixture *f)
{
    char shared[320];
    copy_store(f, false);
    devices_destroy(f);
    hub_close(f->hub);
    copy_store(f, true);
    (void)snprintf(shared, sizeof(shared), "%s-shm", f->path);
    (void)remove(shared);
    open_hub(f);
}

void fixture_turn(struct fixture *f)
{
    hub_turn(f->hub, clock_read(&f->clock));
    devices_expire(f);
    hub_tick(f->hub);
    if (!hub_commit(f->hub)) {
        print_error("%s\n", hub_error_text(f->hub));
        fail();
    }
    devices_put_out(f);
}

void fixture_pass(struct fixture *f, int64_t ms)
{
    int64_t end_ms = clock_read(&f->clock).now_ms + ms;
    int64_t now_ms = 0;
    int turns = 0;
    do {
        now_ms = clock_read(&f->clock).now_ms;
        int64_t hubs = hub_deadline_ms(f->hub);
        int64_t devices = devices_deadline_ms(f);
        int64_t next_ms = hubs < devices ? hubs : devices;
        next_ms = next_ms < end_ms ? next_ms : end_ms;
        clock_advance(&f->clock, next_ms > now_ms ? next_ms - now_ms : 0);
        fixture_turn(f);
        /* Something that is due for ever would never let the loop sleep. */
        turns = next_ms > now_ms ? 0 : turns + 1;
        assert_in_range(turns, 0, 100);
        now_ms = clock_read(&f->clock).now_ms;
    } while (now_ms < end_ms);
}

const char *token_for(struct fixture *f, const char *resource, const char *key,
                      const char *policy, int64_t valid_s)
{
    struct buf *out = &f->tokens[f->n_tokens++ % FIXTURE_TOKENS];
    buf_finish(out);
    buf_init(out, BUF_CAP_OWN);
    int64_t now_s = clock_read(&f->clock).at_ms / 1000;
    assert_true(sas_token_write(out, slice_of(resource), slice_of(key), slice_of(policy),
                                now_s + valid_s));
    return buf_text(out);
}

const char *token_of(struct fixture *f, const char *device, const char *module, const char *key)
{
    struct buf resource = {.cap = BUF_CAP_OWN};
    buf_putf(&resource, HOST "/devices/%s%s%s", device, module[0] == '\0' ? "" : "/modules/",
             module);
    const char *token = token_for(f, buf_text(&resource), key, "", 3600);
    buf_finish(&resource);
    return token;
}

bool next_event(struct fixture *f, struct store_event *out)
{
    int found = store_event_next(f->hub->store, f->event_offset, out);
    assert_true(found == 0 || found == STORE_NO_ROW);
    if (found == 0) {
        f->event_offset = out->offset;
    }
    return found == 0;
}

void assert_no_event(struct fixture *f)
{
    struct store_event event;
    assert_false(next_event(f, &event));
}

struct identity id_of(const char *text)
{
    struct slice whole = slice_of(text);
    size_t slash = slice_find(whole, '/');
    return (struct identity){slice_make(text, slash), slice_from(whole, slash + 1)};
}

/* ---- JSON ------------------------------------------------------------------------------- */

json_t *json_below(const json_t *value, const char *path)
{
    struct slice rest = slice_of(path);
    struct slice name = {0};
    json_t *at = (json_t *)(uintptr_t)value;
    while (at != NULL && slice_next(&rest, '.', &name)) {
        char *key = slice_dup(name);
        at = json_object_get(at, key);
        free(key);
    }
    return at;
}

char *with_quotes(const char *text)
{
    char *copy = mem_dup_text(text);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        if (*c == '\'') {
            *c = '"';
        }
    }
    return copy;
}

json_t *json_from(const char *text)
{
    struct buf error = {.cap = BUF_CAP_OWN};
    char *copy = with_quotes(text);
    json_t *value = json_parse(slice_of(copy), &error);
    if (value == NULL) {
        print_error("%s: %s\n", buf_text(&error), copy);
        fail();
    }
    buf_finish(&error);
    free(copy);
    return value;
}

void assert_json(const json_t *value, const char *want)
{
    json_t *expected = json_from(want);
    if (!json_equal(value, expected)) {
        char *have = value == NULL ? mem_dup_text("(nothing)") : json_text(value);
        print_error("have: %s\nwant: %s\n", have, want);
        free(have);
        fail();
    }
    json_decref(expected);
}

void assert_section(const json_t *section, const char *want)
{
    json_t *content = json_copy((json_t *)(uintptr_t)section);
    json_object_del(content, "$metadata");
    json_object_del(content, "$version");
    assert_json(content, want);
    json_decref(content);
}

const char *text_below(const json_t *value, const char *path)
{
    const json_t *found = json_below(value, path);
    if (!json_is_string(found)) {
        char *have = value == NULL ? mem_dup_text("(nothing)") : json_text(value);
        print_error("no text at %s in %s\n", path, have);
        free(have);
        fail();
    }
    return json_string_value(found);
}

int64_t number_below(const json_t *value, const char *path)
{
    const json_t *found = json_below(value, path);
    if (!json_is_integer(found)) {
        char *have = value == NULL ? mem_dup_text("(nothing)") : json_text(value);
        print_error("no number at %s in %s\n", path, have);
        free(have);
        fail();
    }
    return json_integer_value(found);
}

void assert_slice(struct slice got, const char *want)
{
    char *text = slice_dup(got);
    assert_string_equal(text, want);
    free(text);
}

bool has_form(const char *text, const char *form)
{
    for (; *form != '\0'; text++, form++) {
        unsigned char c = (unsigned char)*text;
        unsigned char want = (unsigned char)*form;
        bool is_same = want == 'd' ? isdigit(c) : want == 'x' ? isxdigit(c) : c == want;
        if (!is_same) {
            return false;
        }
    }
    return *text == '\0';
}
