// For tests only.
#ifndef LOKISHIP_TESTS_UNIT_TEMPORARY_FILE_HPP
#define LOKISHIP_TESTS_UNIT_TEMPORARY_FILE_HPP

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lokiship {

/// A file that goes with the object.
class temporary_file {
public:
    explicit temporary_file(std::string_view content)
        : path_((std::filesystem::temp_directory_path() / "lokiship-test-XXXXXX").string()) {
        const int descriptor = mkstemp(path_.data());
        if (descriptor == -1)
            throw std::runtime_error("no temporary file");
        close(descriptor);
        write(content);
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() { std::filesystem::remove(path_); }

    void write(std::string_view content) const { std::ofstream(path_, std::ios::binary) << content; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace lokiship

#endif
