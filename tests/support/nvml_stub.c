/* A stand-in for libnvidia-ml.so.1: two cards whose state is told by environment variables.
   STUB_STATE: ok driver mismatch init-permission strange permission lost unified no-v2 no-processes foreign windows mig odd
   STUB_PROCESSES: "pid:bytes,pid:bytes" on card 0 (default: one process of 1 GiB with an id nobody has). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef unsigned int u32;
typedef unsigned long long u64;
static int is(const char *state) { const char *now = getenv("STUB_STATE"); return now && !strcmp(now, state); }
static long card(void *device) { return (long)device - 1; }
static int broken(void *device) { return card(device) == 1 && is("lost") ? 15 : 0; }
static int start(void) {
    if (!getenv("STUB_STATE")) return 12; /* other tests of this process: as if there were no library */
    if (is("driver")) return 9;
    if (is("mismatch")) return 18;
    if (is("init-permission")) return 4;
    if (is("strange")) return 999;
    return 0;
}
int nvmlInit_v2(void) { return start(); }
int nvmlInitWithFlags(u32 flags) { (void)flags; return start(); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) {
    switch (code) {
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    case 18: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}
int nvmlSystemGetDriverVersion(char *text, u32 length) { snprintf(text, length, "580.159.04"); return 0; }
int nvmlDeviceGetCount_v2(u32 *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(u32 index, void **device) {
    if (index == 1 && is("permission")) return 4;
    *device = (void *)(long)(index + 1);
    return 0;
}
int nvmlDeviceGetName(void *device, char *text, u32 length) {
    if (broken(device)) return 15;
    snprintf(text, length, "NVIDIA Stub %ld", card(device));
    return 0;
}
int nvmlDeviceGetUUID(void *device, char *text, u32 length) {
    if (broken(device)) return 15;
    snprintf(text, length, "GPU-%ld", card(device));
    return 0;
}
#define GIB (1ull << 30)
int nvmlDeviceGetMemoryInfo(void *device, u64 *info) {
    if (broken(device)) return 15;
    if (is("unified")) return 3;
    info[0] = 24 * GIB; info[1] = 16 * GIB; info[2] = 8 * GIB;
    return 0;
}
int nvmlDeviceGetMemoryInfo_v2(void *device, u64 *info) {
    if (broken(device)) return 15;
    if (is("unified")) return 3;
    if (is("no-v2")) return 999;
    if ((u32)info[0] != (40 | 2 << 24)) return 2;
    info[1] = 24 * GIB; info[2] = GIB / 2; info[3] = is("odd") ? 17 * GIB : 16 * GIB; info[4] = 15 * GIB / 2;
    return 0;
}
int nvmlDeviceGetUtilizationRates(void *device, u32 *rates) {
    if (broken(device)) return 15;
    if (is("mig")) return 3;
    rates[0] = 37; rates[1] = 12;
    return 0;
}
int nvmlDeviceGetTemperature(void *device, u32 sensor, u32 *value) {
    (void)sensor; if (broken(device)) return 15; *value = 45; return 0;
}
int nvmlDeviceGetPowerUsage(void *device, u32 *value) { if (broken(device)) return 15; *value = 210500; return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, u32 *count, char *entries) {
    const char *list = getenv("STUB_PROCESSES");
    char text[512], *part, *rest;
    u32 found = 0;
    if (broken(device)) return 15;
    if (is("no-processes")) return 4;
    snprintf(text, sizeof text, "%s", card(device) ? "" : list ? list : "4194000:1073741824");
    for (part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest), found++) {
        if (!entries || found >= *count) continue;
        u32 pid = (u32)strtoul(part, NULL, 10);
        u64 used = strtoull(strchr(part, ':') + 1, NULL, 10);
        if (is("windows")) used = ~0ull;
        memcpy(entries + 24 * found, &pid, 4);
        memcpy(entries + 24 * found + 8, &used, 8);
    }
    int fits = entries && found <= *count;
    *count = found;
    return fits || !found ? 0 : 7;
}
