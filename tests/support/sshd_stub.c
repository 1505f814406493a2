/* Preloaded into a test's sshd, so that it needs no account, no password file and no PAM of the machine.
   SSHD_HOME, SSHD_SHELL replace those of every user; SSHD_PASSWORD is everybody's password.
   With UsePAM: SSHD_CODES is a file of one-time codes, one a line; each is good once, and is asked for after the
   password when SSHD_PASSWORD is set too. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sshd empties the environment of the process that speaks PAM, so everything is noted down at the start. */
static char home[1024], shell[1024], password[256], codes[1024];
static void note(char *target, size_t size, const char *name) {
    snprintf(target, size, "%s", getenv(name) ? getenv(name) : "");
}
__attribute__((constructor)) static void begin(void) {
    note(home, sizeof home, "SSHD_HOME");
    note(shell, sizeof shell, "SSHD_SHELL");
    note(password, sizeof password, "SSHD_PASSWORD");
    note(codes, sizeof codes, "SSHD_CODES");
}
static struct passwd *dress(struct passwd *entry) {
    static struct passwd copy;
    if (!entry || !strcmp(entry->pw_name, "sshd")) return entry;
    copy = *entry;
    if (*home) copy.pw_dir = home;
    if (*shell) copy.pw_shell = shell;
    copy.pw_passwd = "x";
    return &copy;
}
struct passwd *getpwnam(const char *name) {
    struct passwd *(*real)(const char *) = dlsym(RTLD_NEXT, "getpwnam");
    return dress(real(name));
}
struct passwd *getpwuid(uid_t uid) {
    struct passwd *(*real)(uid_t) = dlsym(RTLD_NEXT, "getpwuid");
    return dress(real(uid));
}
struct spwd *getspnam(const char *name) {
    static struct spwd entry;
    static char hash[256];
    snprintf(hash, sizeof hash, "lmdeck:%s", *password ? password : "\x01none");
    memset(&entry, 0, sizeof entry);
    entry.sp_namp = (char *)name;
    entry.sp_pwdp = hash;
    entry.sp_lstchg = entry.sp_max = entry.sp_warn = entry.sp_inact = entry.sp_expire = -1;
    return &entry;
}
char *crypt(const char *key, const char *salt) {
    static char hash[512];
    (void)salt;
    snprintf(hash, sizeof hash, "lmdeck:%s", key);
    return hash;
}

struct pam_message { int msg_style; const char *msg; };
struct pam_response { char *resp; int resp_retcode; };
struct pam_conv {
    int (*conv)(int, const struct pam_message **, struct pam_response **, void *);
    void *appdata_ptr;
};
static struct pam_conv now;
static char user[64];
enum { OK = 0, AUTH_ERR = 7, SERVICE = 1, USER = 2, CONV = 5 };

int pam_start(const char *service, const char *name, const struct pam_conv *conv, void **handle) {
    (void)service;
    snprintf(user, sizeof user, "%s", name ? name : "");
    now = *conv;
    *handle = &now;
    return OK;
}
int pam_end(void *handle, int status) { (void)handle; (void)status; return OK; }
int pam_set_item(void *handle, int item, const void *value) {
    (void)handle;
    if (item == CONV) now = *(const struct pam_conv *)value;
    return OK;
}
int pam_get_item(const void *handle, int item, const void **value) {
    (void)handle;
    *value = item == USER ? user : item == SERVICE ? "sshd" : NULL;
    return OK;
}
int pam_acct_mgmt(void *handle, int flags) { (void)handle; (void)flags; return OK; }
int pam_setcred(void *handle, int flags) { (void)handle; (void)flags; return OK; }
int pam_open_session(void *handle, int flags) { (void)handle; (void)flags; return OK; }
int pam_close_session(void *handle, int flags) { (void)handle; (void)flags; return OK; }
int pam_chauthtok(void *handle, int flags) { (void)handle; (void)flags; return OK; }
int pam_putenv(void *handle, const char *pair) { (void)handle; (void)pair; return OK; }
char **pam_getenvlist(void *handle) { (void)handle; return calloc(1, sizeof(char *)); }
const char *pam_strerror(void *handle, int code) { (void)handle; return code ? "refused" : "ok"; }

static char *ask(const char *prompt) {
    struct pam_message message = {1, prompt};
    const struct pam_message *list[1] = {&message};
    struct pam_response *response = NULL;
    if (!now.conv || now.conv(1, list, &response, now.appdata_ptr) != 0 || !response) return NULL;
    return response[0].resp;
}
static int use_code(const char *code) {
    char line[256], rest[4096] = "";
    int good = 0;
    FILE *file = fopen(codes, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        size_t length = strcspn(line, "\n");
        if (!good && length == strlen(code) && !strncmp(line, code, length) && length) good = 1;
        else strncat(rest, line, sizeof rest - strlen(rest) - 1);
    }
    fclose(file);
    if (good && (file = fopen(codes, "w"))) { fputs(rest, file); fclose(file); }
    return good;
}
int pam_authenticate(void *handle, int flags) {
    (void)handle; (void)flags;
    if (*password) {
        char *typed = ask("Password: ");
        if (!typed || strcmp(typed, password)) return AUTH_ERR;
    }
    if (*codes) {
        char *typed = ask("Verification code: ");
        if (!typed || !use_code(typed)) return AUTH_ERR;
    }
    return OK;
}
