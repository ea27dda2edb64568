#pragma once

#include <ligase/tasks/base_window.hpp>

#include <zlib.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ligase_test {

/// A genome of the shared data as base codes, with the windows of its three splits, read the shortest way there is.
struct Genome {
  std::map<std::string, std::vector<std::uint8_t>> chromosomes;
  std::map<std::string, std::vector<ligase::BaseWindow>> splits;

  Genome(const std::filesystem::path& fasta, const std::filesystem::path& bed) {
    std::array<std::uint8_t, 256> code;
    code.fill(ligase::base_unknown);
    for (int x = 0; x < 4; ++x) code[static_cast<unsigned char>("ACGT"[x])] = static_cast<std::uint8_t>(x);
    const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(fasta.c_str(), "rb"), gzclose);
    if (!file) throw std::runtime_error("cannot read " + fasta.string());
    gzbuffer(file.get(), 1 << 20);
    std::vector<std::uint8_t>* chromosome = nullptr;
    std::array<char, 1 << 16> line;
    while (gzgets(file.get(), line.data(), static_cast<int>(line.size()))) {
      const std::string text(line.data());
      if (text[0] == '>') {
        chromosome = &chromosomes[text.substr(1, text.find_first_of(" \t\r\n") - 1)];
        continue;
      }
      for (char c : text)
        if (c > ' ') chromosome->push_back(code[static_cast<unsigned char>(c)]);
    }
    std::ifstream rows(bed);
    std::string row, name, split;
    std::size_t start = 0, end = 0;
    while (std::getline(rows, row)) {
      std::istringstream fields(row);
      fields >> name >> start >> end >> split;
      const std::span<const std::uint8_t> all(chromosomes.at(name));
      splits[split].push_back({all.subspan(start, end - start), start});
    }
  }
  Genome(const Genome&) = delete;
  Genome& operator=(const Genome&) = delete;

  static Genome human(const std::filesystem::path& shared) {
    const auto folder = shared / "data" / "genome_human_chr20";
    return {folder / "chr20_hg38coord.fa.gz", folder / "human_chr20_intervals_1024.bed"};
  }
  static Genome yeast(const std::filesystem::path& shared) {
    const auto folder = shared / "data" / "genome_yeast_sacCer3";
    return {folder / "sacCer3.fa.gz", folder / "sacCer3_intervals_1024.bed"};
  }
  static Genome ecoli(const std::filesystem::path& shared) {
    const auto folder = shared / "data" / "genome_ecoli_k12_mg1655";
    return {folder / "ecoli_k12_mg1655.fa.gz", folder / "ecoli_intervals_1024.bed"};
  }

  /// Rows floor(j W / n) of a split.
  std::vector<ligase::BaseWindow> sample(const std::string& split, ligase::Index n) const {
    std::vector<ligase::BaseWindow> windows;
    const auto& all = splits.at(split);
    for (ligase::Index row : ligase::sample_rows(static_cast<ligase::Index>(all.size()), n))
      windows.push_back(all[static_cast<std::size_t>(row)]);
    return windows;
  }
};

}  // namespace ligase_test
