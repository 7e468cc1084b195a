/*
 * Built-in policies, and reading the file's.
 */
#include "server/policies.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "iothub/json.h"
#include "server/checks.h"
#include "server/well_known.h"

#define ALL_RIGHTS \
    (HUB_REGISTRY_READ | HUB_REGISTRY_WRITE | HUB_SERVICE_CONNECT | HUB_DEVICE_CONNECT)

/* Source: IoT Hub documentation, "Control access with shared access signatures", default
 * policies. */
static const struct {
    const char *name;
    unsigned rights;
} built_in[] = {
    {WELL_KNOWN_OWNER,    ALL_RIGHTS                            },
    {"service",           HUB_SERVICE_CONNECT                   },
    {"device",            HUB_DEVICE_CONNECT                    },
    {"registryRead",      HUB_REGISTRY_READ                     },
    {"registryReadWrite", HUB_REGISTRY_READ | HUB_REGISTRY_WRITE},
};

static const struct {
    const char *name;
    unsigned right;
} rights[] = {
    {"RegistryRead",   HUB_REGISTRY_READ                     },
 /* Who may write may read: the C# service SDK's AccessRights say so too. */
    {"RegistryWrite",  HUB_REGISTRY_READ | HUB_REGISTRY_WRITE},
    {"ServiceConnect", HUB_SERVICE_CONNECT                   },
    {"DeviceConnect",  HUB_DEVICE_CONNECT                    },
};

/* 0 for a word that is none. */
static unsigned right_of(struct slice word)
{
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        if (slice_equal_text(word, rights[i].name)) {
            return rights[i].right;
        }
    }
    return 0;
}

static const char *check_name(const json_t *value)
{
    return check_policy_name(json_string_slice(value));
}

static const char *check_right(const json_t *value)
{
    return right_of(json_string_slice(value)) != 0
               ? NULL
               : "expected RegistryRead, RegistryWrite, ServiceConnect or DeviceConnect";
}

static const char *check_key(const json_t *value)
{
    return check_shared_key(json_string_slice(value));
}

static const struct config_member policy_members[] = {
    {"name",         CONFIG_TEXT,  true,  check_name,  NULL},
    {"rights",       CONFIG_TEXTS, true,  check_right, NULL},
    {"primaryKey",   CONFIG_TEXT,  false, check_key,   NULL},
    {"secondaryKey", CONFIG_TEXT,  false, check_key,   NULL},
};

const struct config_record policy_record = {policy_members, ARRAY_LEN(policy_members)};

static const char *keep(struct policies *policies, const char *text)
{
    char *copy = mem_dup_text(text);
    assert(policies->n_texts < ARRAY_LEN(policies->texts));
    policies->texts[policies->n_texts++] = copy;
    return copy;
}

void policies_init(struct policies *policies, const char *key)
{
    *policies = (struct policies){0};
    const char *primary = keep(policies, key == NULL ? WELL_KNOWN_PRIMARY_KEY : key);
    const char *secondary = keep(policies, key == NULL ? WELL_KNOWN_SECONDARY_KEY : key);
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
        policies->items[policies->n_items++] = (struct hub_policy){
            .name = built_in[i].name,
            .primary_key = primary,
            .secondary_key = secondary,
            .rights = built_in[i].rights,
        };
    }
}

void policies_finish(struct policies *policies)
{
    for (size_t i = 0; i < policies->n_texts; i++) {
        mem_free_secret_text(policies->texts[i]);
    }
    *policies = (struct policies){0};
}

static bool is_published(const char *key)
{
    return strcmp(key, WELL_KNOWN_PRIMARY_KEY) == 0 ||
           strcmp(key, WELL_KNOWN_SECONDARY_KEY) == 0;
}

bool policies_are_published(const struct policies *policies)
{
    for (size_t i = 0; i < policies->n_items; i++) {
        if (is_published(policies->items[i].primary_key) ||
            is_published(policies->items[i].secondary_key)) {
            return true;
        }
    }
    return false;
}

static size_t index_of(const struct policies *policies, const char *name)
{
    size_t i = 0;
    while (i < policies->n_items && strcmp(policies->items[i].name, name) != 0) {
        i++;
    }
    return i;
}

const struct hub_policy *policies_find(const struct policies *policies, const char *name)
{
    size_t i = index_of(policies, name);
    return i == policies->n_items ? NULL : &policies->items[i];
}

/* The keys of a policy that names none are those of the built-in ones before any was replaced.
 */
static struct hub_policy read_policy(struct policies *policies, const json_t *json,
                                     const struct hub_policy *standard)
{
    struct hub_policy policy = *standard;
    const char *primary = json_string_value(json_object_get(json, "primaryKey"));
    const char *secondary = json_string_value(json_object_get(json, "secondaryKey"));
    const json_t *words = json_object_get(json, "rights");
    policy.name = keep(policies, json_string_value(json_object_get(json, "name")));
    policy.rights = 0;
    for (size_t i = 0; i < json_array_size(words); i++) {
        policy.rights |= right_of(json_string_slice(json_array_get(words, i)));
    }
    if (primary != NULL) {
        policy.primary_key = keep(policies, primary);
        policy.secondary_key = keep(policies, secondary == NULL ? primary : secondary);
    }
    return policy;
}

/* What no table of members can say. */
static bool check_policy(const struct config_file *file, const struct json_path *path,
                         const json_t *list, struct buf *error)
{
    const json_t *json = json_array_get(list, path->index);
    const char *name = json_string_value(json_object_get(json, "name"));
    struct json_path name_path = {path, "name", 0};
    struct json_path rights_path = {path, "rights", 0};
    struct json_path key_path = {path, "primaryKey", 0};
    for (size_t i = 0; i < path->index; i++) {
        const json_t *earlier = json_object_get(json_array_get(list, i), "name");
        if (strcmp(json_string_value(earlier), name) == 0) {
            return config_file_mistake(file, &name_path, error,
                                       "'%s' is the name of policies[%zu] already", name, i);
        }
    }
    if (json_array_size(json_object_get(json, "rights")) == 0) {
        return config_file_mistake(file, &rights_path, error, "expected at least one right");
    }
    if (json_object_get(json, "secondaryKey") != NULL &&
        json_object_get(json, "primaryKey") == NULL) {
        return config_file_mistake(file, &key_path, error, "missing beside secondaryKey");
    }
    return true;
}

bool policies_read(struct policies *policies, const struct config_file *file, struct buf *error)
{
    struct json_path root = {NULL, "policies", 0};
    const json_t *list = json_object_get(file->root, "policies");
    const struct hub_policy standard = policies->items[0];
    if (list == NULL) {
        return true;
    }
    if (!config_file_check_list(file, &root, list, &policy_record, error)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *json = json_array_get(list, i);
        struct json_path path = {&root, NULL, i};
        if (!check_policy(file, &path, list, error)) {
            return false;
        }
        size_t at = index_of(policies, json_string_value(json_object_get(json, "name")));
        if (at == POLICIES_MAX) {
            return config_file_mistake(
                file, &path, error, "there are more than %d policies, built-in ones included",
                POLICIES_MAX);
        }
        policies->items[at] = read_policy(policies, json, &standard);
        policies->n_items += at == policies->n_items;
    }
    return true;
}
