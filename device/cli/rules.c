/*
 * Parsing and finding method rules.
 */
#include "device/cli/rules.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "iothub/json.h"

static char lock_door_name[] = "lockDoor";
static char lock_door_payload[] = "{\"Response\": \"lockDoor called successfully\"}";
static const struct rule lock_door = {lock_door_name, 200, lock_door_payload};

static bool refuse(struct buf *error, const char *text, const char *what)
{
    buf_putf(error, "\"%s\": %s", text, what);
    return false;
}

static bool check_json(const char *text, struct slice payload, struct buf *error)
{
    struct buf why;
    buf_init(&why, BUF_CAP_OWN);
    json_t *value = json_parse(payload, &why);
    bool is_good = value != NULL;
    if (!is_good) {
        buf_putf(error, "\"%s\": the payload is not JSON: %s", text, buf_text(&why));
    }
    json_decref(value);
    buf_finish(&why);
    return is_good;
}

static bool parse(const char *text, struct buf *error, struct rule *out)
{
    struct slice rest = slice_of(text);
    size_t equals = slice_find(rest, '=');
    struct slice name = slice_make(rest.data, equals);
    rest = slice_from(rest, equals + 1);
    size_t colon = slice_find(rest, ':');
    struct slice status_text = slice_make(rest.data, colon);
    struct slice payload = slice_from(rest, colon + 1);
    int64_t status = 200;
    if (name.len == 0) {
        return refuse(error, text, "the method has no name");
    }
    if (equals < strlen(text) &&
        (!slice_to_i64(status_text, &status) || status < INT32_MIN || status > INT32_MAX)) {
        return refuse(error, text, "the status is no number");
    }
    if (payload.len == 0) {
        payload = SLICE("null");
    }
    if (!check_json(text, payload, error)) {
        return false;
    }
    *out = (struct rule){slice_dup(name), (int)status, slice_dup(payload)};
    return true;
}

bool rules_parse(const struct cli_list *texts, struct buf *error, struct rules *out)
{
    struct rules rules = {.items = mem_array(texts->n_items + 1, sizeof(*rules.items))};
    for (size_t i = 0; i < texts->n_items; i++) {
        if (!parse(texts->items[i], error, &rules.items[i])) {
            rules_finish(&rules);
            return false;
        }
        rules.n_items++;
    }
    *out = rules;
    return true;
}

const struct rule *rules_find(const struct rules *rules, const char *name)
{
    for (size_t i = rules->n_items; i > 0; i--) {
        if (strcmp(rules->items[i - 1].name, name) == 0) {
            return &rules->items[i - 1];
        }
    }
    return strcmp(name, lock_door.name) == 0 ? &lock_door : NULL;
}

bool rule_is_lock_door(const struct rule *rule)
{
    return rule == &lock_door;
}

void rules_finish(struct rules *rules)
{
    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->n_items; i++) {
        free(rules->items[i].name);
        free(rules->items[i].payload);
    }
    free(rules->items);
    *rules = (struct rules){0};
}
