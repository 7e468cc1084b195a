/*
 * `iothub-emulator ca`: the certificate that clients are to trust.
 */
#include "server/verbs.h"

#include "base/clock.h"

/* clang-format 14 cannot lay out rows of designated members. */
/* clang-format off */
const struct cli_option verb_ca_options[] = {
    {.name = "path", .type = CLI_FLAG, .offset = offsetof(struct verb_values, ca_path),
     .help = "Print the file's name instead of what it holds"},
};
/* clang-format on */
const size_t verb_ca_n_options = ARRAY_LEN(verb_ca_options);

const char verb_ca_details[] =
    "The development CA is made at the first use of a data directory and stays there.\n"
    "With --tls-cert, the last certificate of that file is printed; --path names the file.\n"
    "\n"
    "  iothub-emulator ca > iothub-ca.pem\n"
    "  NODE_EXTRA_CA_CERTS=$(iothub-emulator ca --path) node device.js\n";

static int print_path(const struct certs *certs, struct buf *error)
{
    struct buf line;
    buf_init(&line, BUF_CAP_OWN);
    buf_putf(&line, "%s\n", certs->ca_file);
    int result = verb_print(buf_slice(&line), error);
    buf_finish(&line);
    return result;
}

static int print_certificate(const struct certs *certs, struct buf *error)
{
    struct buf pem;
    buf_init(&pem, BUF_CAP_OWN);
    int result = certs_put_ca(certs, error, &pem) ? verb_print(buf_slice(&pem), error)
                                                  : CLI_FAILED;
    buf_finish(&pem);
    return result;
}

static int show_ca(struct cli_call *call, struct buf *error)
{
    int64_t at_ms = clock_read(&(struct clock){0}).at_ms;
    struct certs_wish wish = config_certs(config_of(call), at_ms);
    struct certs certs = {0};
    if (!certs_prepare_ca(&wish, error, &certs)) {
        return CLI_FAILED;
    }
    int result = verb_values_of(call)->ca_path ? print_path(&certs, error)
                                               : print_certificate(&certs, error);
    certs_finish(&certs);
    return result;
}

int verb_ca(struct cli_call *call)
{
    return verb_with_config(call, show_ca);
}
