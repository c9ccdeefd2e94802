// Runs a fuzz target on each file of the given folders, naming it first. Each has a few seconds.
#include "fuzz.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

constexpr unsigned seconds_each = 20;
/// Of the whole process, with what a sanitizer adds.
constexpr long most_kib = 1024 * 1024;

std::vector<std::filesystem::path> files_of(const std::string& folder) {
    std::vector<std::filesystem::path> out;
    for (const auto& file : std::filesystem::directory_iterator(folder))
        out.push_back(file.path());
    std::sort(out.begin(), out.end());
    return out;
}

long peak_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

} // namespace

int main(int argc, char** argv) try {
    std::size_t count = 0;
    for (int i = 1; i < argc; ++i)
        for (const auto& path : files_of(argv[i])) {
            std::cout << path.string() << std::endl;
            std::ifstream in(path, std::ios::binary);
            const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
            // As libFuzzer does: of exactly this size, so that a sanitizer sees what reads on.
            const std::vector<std::uint8_t> data(bytes.begin(), bytes.end());
            alarm(seconds_each);
            LLVMFuzzerTestOneInput(data.data(), data.size());
            alarm(0);
            lokiship::fuzz::require(peak_kib() <= most_kib, "memory is bounded");
            ++count;
        }
    std::cout << count << " files\n";
    return count == 0;
} catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
