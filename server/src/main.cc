// The embedded server as a program: aero_server_main [PORT [NODES [NAMESPACE]]]. Prints `ready
// HOST:PORT[,HOST:PORT...]` and serves until SIGTERM or SIGINT.
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "info/info.h"
#include "server.h"

int main(int argc, char** argv) {
    aero_server::options how;
    if (argc > 1) how.base_port = static_cast<uint16_t>(std::atoi(argv[1]));
    if (argc > 2) how.nodes = static_cast<unsigned>(std::atoi(argv[2]));
    if (argc > 3) how.namespaces = {argv[3]};
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    aero_server::server running(how);
    if (const std::string problem = running.start(); !problem.empty()) {
        std::fprintf(stderr, "%s\n", problem.c_str());
        return 1;
    }
    std::string list;
    for (const auto& [host, port] : running.endpoints())
        list += (list.empty() ? "" : ",") + aero_server::address_text(host, port);
    std::printf("ready %s\n", list.c_str());
    std::fflush(stdout);
    int got = 0;
    sigwait(&ends, &got);
    running.shutdown();
    return 0;
}
