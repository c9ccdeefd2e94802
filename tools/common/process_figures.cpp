#include "common/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace lokiship::tools {

process_figures read_process_figures() {
    process_figures out;
    rusage used{};
    if (getrusage(RUSAGE_SELF, &used) == 0)
        for (const timeval& t : {used.ru_utime, used.ru_stime})
            out.cpu_seconds += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    std::uint64_t whole = 0, resident = 0;
    if (std::ifstream("/proc/self/statm") >> whole >> resident)
        out.resident_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    std::error_code ec;
    if (std::filesystem::directory_iterator fds("/proc/self/fd", ec); !ec)
        // One of them is the iterator's own.
        out.open_descriptors = static_cast<std::uint64_t>(std::distance(begin(fds), end(fds))) - 1;
    rlimit most{};
    if (getrlimit(RLIMIT_NOFILE, &most) == 0 && most.rlim_cur != RLIM_INFINITY)
        out.max_descriptors = most.rlim_cur;
    return out;
}

} // namespace lokiship::tools
