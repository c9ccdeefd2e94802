#include "sandbox/executions.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

namespace lokiship::tools {

namespace {

constexpr struct {
    const char *id, *tag, *ip;
} first_servers[] = {
    {"795b929e-9a9a-40fd-aa7b-5bf55eb561a4", "prod-web-01", "10.0.0.1"},
    {"b3c1e0c2-1f5d-4c0e-8d35-0f6a4d1a7e11", "prod-web-02", "10.0.0.2"},
    {"0f0e3f61-7f0c-4e7b-a1c8-52a8a5f3d0b9", "db-01", "10.0.1.1"},
    {"c2a7a0b5-64f6-4a39-9d0b-3f1f0a7d9e77", "büro-münchen", "10.0.2.1"},
    {"5d9e6f44-2f0a-45d1-bb1e-1a2b3c4d5e6f", "東京-web-1", "10.0.3.1"},
};

struct command {
    const char *agent, *text, *standard_output, *standard_error;
    int exit_code;
};
constexpr command commands[] = {
    {"network", "systemctl status nginx", "Active: active (running) since Mon 2026-11-23 06:25:01 UTC\n", "",
     0},
    {"network", "nginx -t", "", "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n", 0},
    {"network", "ss -ltn", "State  Recv-Q Send-Q Local Address:Port\nLISTEN 0      511          0.0.0.0:80\n",
     "", 0},
    {"network", "ping -c 1 10.0.9.9", "1 packets transmitted, 0 received, 100% packet loss\n", "", 1},
    {"network", "curl -sS http://backend.internal/health", "",
     "curl: (6) Could not resolve host: backend.internal\n", 6},
    {"database", "psql -c 'select count(*) from orders'", " count \n-------\n 48211\n(1 row)\n", "", 0},
    {"database", "psql -c 'select * from naïve'", "", "ERROR:  relation \"naïve\" does not exist\n", 1},
    {"database", "pg_isready", "/var/run/postgresql:5432 - accepting connections\n", "", 0},
    {"security", "find /usr/bin -perm -4000 -ls",
     "247457  88 -rwsr-xr-x 1 root root 88496 Apr  7  2025 /usr/bin/gpasswd\n"
     "247816  48 -rwsr-xr-x 1 root root 48896 Apr  7  2025 /usr/bin/newgrp\n"
     "247144  64 -rwsr-xr-x 1 root root 62672 Apr  7  2025 /usr/bin/chfn\n"
     "248151  36 -rwsr-xr-x 1 root root 35128 Nov 21  2024 /usr/bin/umount\n"
     "247785  60 -rwsr-xr-x 1 root root 59704 Nov 21  2024 /usr/bin/mount\n",
     "", 0},
    {"security", "cat /etc/shadow", "", "cat: /etc/shadow: Permission denied\n", 1},
    {"general", "df -h /",
     "Filesystem  Size  Used Avail Use% Mounted on\n/dev/vda1    40G   12G   27G  31% /\n", "", 0},
    {"general", "uptime", " 13:12:03 up 41 days,  2:11,  1 user,  load average: 0.08, 0.03, 0.01\n", "", 0},
    {"general", "deploy.sh", "✔ gebaut\n✔ geprüft\n🚀 ausgerollt\n", "", 0},
    {"general", "sleep 600", "", "Terminated\n", -15},
};

std::string uuid(std::mt19937& random) {
    const auto a = random(), b = random(), c = random(), d = random();
    char text[40];
    std::snprintf(text, sizeof text, "%08lx-%04lx-4%03lx-8%03lx-%04lx%08lx", static_cast<unsigned long>(a),
                  static_cast<unsigned long>(b & 0xffff), static_cast<unsigned long>(b >> 20 & 0xfff),
                  static_cast<unsigned long>(c & 0xfff), static_cast<unsigned long>(c >> 16 & 0xffff),
                  static_cast<unsigned long>(d));
    return text;
}

} // namespace

execution_source::execution_source(testing::fake_backend& backend, std::size_t servers, unsigned seed)
    : backend_(backend)
    , random_(seed) {
    // Apart, so that what happens does not depend on how the servers came to be.
    std::mt19937 random(seed);
    for (std::size_t i = 0; i != servers; ++i) {
        if (i < std::size(first_servers)) {
            servers_.push_back({first_servers[i].id, first_servers[i].tag, first_servers[i].ip});
            continue;
        }
        const std::string address = std::to_string(i >> 8 & 255) + '.' + std::to_string(i & 255);
        servers_.push_back({uuid(random), "host-" + std::to_string(i + 1),
                            "10." + std::to_string(1 + (i >> 16)) + '.' + address});
    }
}

testing::execution execution_source::make(timestamp created) {
    const auto& where = servers_[pick(servers_.size())];
    testing::execution e;
    e.id = uuid(random_);
    e.server_id = where.id;
    e.server_tag = where.tag;
    e.server_ip = where.ip;
    e.user_id = "user_" + std::to_string(1 + pick(4));
    e.agent_type = commands[pick(std::size(commands))].agent;
    e.query = "look after " + e.server_tag;
    e.status = "Planned";
    e.created = created;
    return e;
}

void execution_source::complete(testing::execution& e) {
    e.status = "Success";
    const auto steps = static_cast<long>(1 + pick(4));
    for (long step = 1; step <= steps;) {
        const auto& c = commands[pick(std::size(commands))];
        if (c.agent != e.agent_type)
            continue;
        const bool failed = c.exit_code != 0;
        e.results.push_back({step++, c.text, failed ? "Failed" : "Success", c.exit_code, c.standard_output,
                             c.standard_error});
        if (failed)
            e.status = "Failed";
    }
}

void execution_source::add_finished(timestamp created) {
    auto e = make(created);
    complete(e);
    backend_.add(std::move(e));
}

void execution_source::happen(timestamp now) {
    const auto what = pick(10);
    if (!planned_.empty() && (what < 3 || planned_.size() > 5)) {
        if (auto* e = backend_.find(planned_.front()))
            complete(*e);
        planned_.pop_front();
    } else if (what < 6) {
        auto e = make(now);
        planned_.push_back(e.id);
        backend_.add(std::move(e));
    } else {
        add_finished(now);
    }
}

} // namespace lokiship::tools
