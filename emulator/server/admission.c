/*
 * Counting, and not letting those who are turned away fill the log.
 */
#include "server/admission.h"

#include <assert.h>

#include "base/log.h"

enum {
    SAY_EVERY_MS = 10000,
    /* Of the descriptors that are spared for the emulator itself, for back ends alone. */
    BACK_END_DESCRIPTORS = 30,
};

/* An HTTPS client's, and the two ends of the pair that carries it to the library. */
static const size_t n_descriptors[ADMISSION_KINDS] = {1, 1, 3};

static void say(struct admission *admission, enum admission_kind kind, int64_t now_ms)
{
    static const char *const names[ADMISSION_KINDS] = {"MQTT", "HTTP", "HTTPS"};
    admission->n_unsaid++;
    if (admission->said_ms != 0 && now_ms - admission->said_ms < SAY_EVERY_MS) {
        return;
    }
    log_warning("turned away: %zu, the last one of %s, of which there are %zu already "
                "(--max-connections)",
                admission->n_unsaid, names[kind], admission->n_connections[kind]);
    admission->n_unsaid = 0;
    admission->said_ms = now_ms;
}

bool admission_has_room(struct admission *admission, enum admission_kind kind, int64_t now_ms)
{
    size_t max = admission->max_descriptors +
                 (kind == ADMISSION_MQTT ? 0 : BACK_END_DESCRIPTORS);
    if (admission->n_connections[kind] >= admission->max_connections ||
        admission->n_descriptors + n_descriptors[kind] > max) {
        say(admission, kind, now_ms);
        return false;
    }
    return true;
}

bool admission_take(struct admission *admission, enum admission_kind kind, int64_t now_ms)
{
    if (!admission_has_room(admission, kind, now_ms)) {
        return false;
    }
    admission->n_connections[kind]++;
    admission->n_descriptors += n_descriptors[kind];
    return true;
}

void admission_give_back(struct admission *admission, enum admission_kind kind)
{
    assert(admission->n_connections[kind] != 0);
    admission->n_connections[kind]--;
    admission->n_descriptors -= n_descriptors[kind];
}

void admission_add_websocket(struct admission *admission)
{
    admission->n_connections[ADMISSION_MQTT]++;
}

void admission_drop_websocket(struct admission *admission)
{
    assert(admission->n_connections[ADMISSION_MQTT] != 0);
    admission->n_connections[ADMISSION_MQTT]--;
}
