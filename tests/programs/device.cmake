# --device cuda: one sentence where the program was built without CUDA (exit 2) or finds no GPU (exit 1); bf16 needs it, fp64
# refuses it.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
file(WRITE ${WORK}/toy.fa ">toy\nACGT\n")

function(check_sentence expected_code sentence program)
  execute_process(COMMAND ${PROGRAMS}/${program} ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors TIMEOUT 120)
  if(NOT code MATCHES "^(${expected_code})$" OR NOT errors MATCHES "^${program}: ${sentence}[^\n]*\n$" OR NOT output STREQUAL "")
    message(SEND_ERROR "${program} ${ARGN}: exit code ${code}, said\n${output}${errors}expected\n${program}: ${sentence}")
  endif()
endfunction()

set(pretrain pretrain --fasta toy.fa --out run)
set(evaluate evaluate --checkpoint run --fasta toy.fa)
set(fill_mask fill_mask --checkpoint run --sequence A[MASK])
set(embed embed --checkpoint run --sequence A --out run.npy)
set(verify verify ${WORK})
foreach(program genomic_benchmarks gue nucleotide_transformer_tasks)
  set(${program} ${program} --data . --out run)
endforeach()
foreach(program pretrain evaluate fill_mask embed verify genomic_benchmarks gue nucleotide_transformer_tasks)
  check_sentence(2 "--precision: fp64 needs --device cpu" ${${program}} --device cuda --precision fp64)
  check_sentence(2 "--precision: bf16 needs --device cuda" ${${program}} --precision bf16)
  execute_process(COMMAND nvidia-smi RESULT_VARIABLE no_gpu OUTPUT_QUIET ERROR_QUIET)
  if(no_gpu)
    check_sentence("1|2" "--device( cuda)?: (this program was built without CUDA; expected cpu|no GPU can be used; expected an NVIDIA GPU)"
                   ${${program}} --device cuda)
  endif()
endforeach()
# There is nothing to compute.
check_sentence(2 "--device: checkpoints are read and written on the host alone; expected cpu, found cuda" convert --checkpoint run
               --out run_out --device cuda)
file(GLOB left ${WORK}/run*)
if(left)
  message(FATAL_ERROR "${left} were left behind")
endif()
