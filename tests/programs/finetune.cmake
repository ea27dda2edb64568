# Fine-tuning programs on small tasks: every layout on disk, runs that depend neither on threads nor on jobs, a grid that
# goes on where it was stopped, divergence, and bad input that is refused with one sentence.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(ENV{LIGASE_CACHE} ${WORK}/cache)
include(${CMAKE_CURRENT_LIST_DIR}/support/refused.cmake)

# ROWS of 60 random bases each; every second one, of class 1, holds TATAAATAAA. FORMAT is a statement of awk that prints the
# row of number i, class y and letters s.
function(write_rows file seed rows format)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${WORK}/${folder})
  execute_process(COMMAND awk "
    function draw(n) { x = (x * 69069 + 1) % 4294967296; return int(x / 65536) % n }
    BEGIN { x = ${seed}; for (i = 0; i < ${rows}; i++) { y = i % 2; s = \"\"
      for (t = 0; t < 60; t++) s = s substr(\"ACGT\", 1 + draw(4), 1)
      if (y) { p = draw(50); s = substr(s, 1, p) \"TATAAATAAA\" substr(s, p + 11) }
      ${format} } }" OUTPUT_FILE ${WORK}/${file} RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "awk failed")
  endif()
endfunction()
set(csv "if (i == 0) print \"sequence,label\"; print s \",\" y")
write_rows(gue/toy/a/train.csv 1 240 "${csv}")
write_rows(gue/toy/a/dev.csv 2 40 "${csv}")
write_rows(gue/toy/a/test.csv 3 60 "${csv}")
write_rows(gue/toy/b/train.csv 4 100 "${csv}")
write_rows(gue/toy/b/test.csv 5 30 "${csv}")
write_rows(gue/toy/no_train/test.csv 6 30 "${csv}")

# Lines of runs.csv in order, without the last column (seconds).
function(runs_of out variable)
  file(STRINGS ${WORK}/${out}/runs.csv lines)
  list(TRANSFORM lines REPLACE ",[^,]*$" "")
  list(SORT lines)
  set(${variable} "${lines}" PARENT_SCOPE)
endfunction()
function(check_said part)
  string(FIND "${output}" "${part}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "nothing was said of '${part}':\n${output}${errors}")
  endif()
endfunction()

set(toy --data gue --task toy/a --model cnn --epochs 2 --batch-size 32)
run(gue ${toy} --seeds 1,2,3 --jobs 1 --threads 1 --out one)
check_said("3 runs, 3 of them made now")
run(gue ${toy} --seeds 1,2,3 --jobs 3 --threads 3 --out two --quiet --json two.json)
run(gue ${toy} --seeds 1,2,3 --jobs 1 --threads 2 --out three --quiet)
runs_of(one one)
list(LENGTH one count)
if(NOT count EQUAL 4)
  message(FATAL_ERROR "runs.csv has ${count} lines:\n${one}")
endif()
foreach(other two three)
  runs_of(${other} lines)
  if(NOT lines STREQUAL one)
    message(FATAL_ERROR "jobs or threads change runs.csv:\n${one}\n${lines}")
  endif()
endforeach()
file(READ ${WORK}/two.json json)
string(JSON n GET "${json}" results 0 runs)
string(JSON kind GET "${json}" results 0 hyperparameters validation)
if(NOT n EQUAL 3 OR NOT kind STREQUAL "dev")
  message(FATAL_ERROR "--json holds ${json}")
endif()
file(GLOB details ${WORK}/one/runs/*.json)
list(GET details 0 first)
file(READ ${first} json)
string(JSON length LENGTH "${json}" epochs)
string(JSON corner GET "${json}" confusion 1 1)
if(NOT length EQUAL 2)
  message(FATAL_ERROR "details hold ${json}")
endif()

# A grid that was killed: two whole lines, and half of a third. It ends as if nothing had happened.
file(STRINGS ${WORK}/one/runs.csv lines)
list(GET lines 0 header)
list(GET lines 1 row_1)
list(GET lines 2 row_2)
file(MAKE_DIRECTORY ${WORK}/killed)
file(WRITE ${WORK}/killed/runs.csv "${header}\n${row_1}\n${row_2}\ntoy/a,cnn,char,str")
run(gue ${toy} --seeds 1,2,3 --out killed)
check_said("3 runs, 1 of them made now")
runs_of(killed lines)
if(NOT lines STREQUAL one)
  message(FATAL_ERROR "the resumed grid differs:\n${one}\n${lines}")
endif()
run(gue ${toy} --seeds 1,2,3 --out killed)
check_said("3 runs, 0 of them made now")

# A run that diverges is recorded, and not made again.
run(gue --data gue --task toy/b --model cnn --epochs 1 --batch-size 32 --learning-rate 1e30 --seeds 1 --out diverged)
check_said("1 diverged")
run(gue --data gue --task toy/b --model cnn --epochs 1 --batch-size 32 --learning-rate 1e30 --seeds 1 --out diverged)
check_said("0 of them made now")

# `original` pads and schedules as the scripts do; tasks of unknown names have strict sizes.
file(COPY ${WORK}/gue/toy/a/train.csv ${WORK}/gue/toy/a/test.csv DESTINATION ${WORK}/named/mouse/2)
run(gue --data named --task mouse/2 --model cnn --epochs 1 --seeds 1 --protocol original --out original --quiet)
file(READ ${WORK}/original/runs.csv text)
foreach(part "\"\"classes\"\":3" "\"\"max_length\"\":101" "\"\"schedule_samples\"\":53952" "\"\"validation\"\":\"\"split\"\"")
  string(FIND "${text}" "${part}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "protocol original lacks ${part}:\n${text}")
  endif()
endforeach()

# Backbones: from scratch, from a checkpoint, frozen; a sweep in two parts.
file(WRITE ${WORK}/toy.fa ">toy\n")
foreach(i RANGE 800)
  string(SHA512 line "line ${i}")
  string(REGEX REPLACE "[0-4]" "A" line ${line})
  string(REGEX REPLACE "[5-7]" "C" line ${line})
  string(REGEX REPLACE "[89a]" "G" line ${line})
  string(REGEX REPLACE "[b-f]" "T" line ${line})
  file(APPEND ${WORK}/toy.fa "${line}\n")
endforeach()
run(pretrain --model caduceus-ps --fasta toy.fa --out pretrained --steps 2 --batch-size 2 --length 128 --d-model 8 --n-layer 1 --quiet)
file(WRITE ${WORK}/sweep.json [[{"tasks": ["toy/b"], "seeds": [1], "protocol": "strict",
  "hyperparameters": {"epochs": 1, "batch_size": 16},
  "models": ["cnn", {"name": "mamba", "hyperparameters": {"d_model": 8, "n_layer": 1}},
             {"name": "caduceus-ph", "hyperparameters": {"d_model": 8, "n_layer": 1}},
             {"name": "caduceus-ps", "checkpoint": "pretrained", "hyperparameters": {"frozen": [true, false]}}]}]])
run(gue --data gue --sweep sweep.json --out swept --shard 0/2 --quiet)
run(gue --data gue --sweep sweep.json --out swept --shard 1/2 --quiet)
run(gue --data gue --sweep sweep.json --out swept)
check_said("5 runs, 0 of them made now")
run(gue --data gue --sweep sweep.json --out swept --slurm array.sh --slurm-jobs 3)
file(READ ${WORK}/array.sh script)
if(NOT script MATCHES "--array=0-2\n.*gue --data gue --sweep sweep.json --out swept")
  message(FATAL_ERROR "the Slurm script is\n${script}")
endif()
# The machine that writes a script needs no GPU.
run(gue --data gue --sweep sweep.json --out swept --slurm gpus.sh --device cuda)
file(READ ${WORK}/gpus.sh script)
if(NOT script MATCHES "--gres=gpu:1\n.*--out swept --quiet --device cuda --precision fp32 ")
  message(FATAL_ERROR "the Slurm script is\n${script}")
endif()

# The other suites' layouts.
write_rows(nt/enhancers/train.fna 11 80 "print \">r\" i \"|\" y; print s")
write_rows(nt/enhancers/test.fna 12 20 "print \">r\" i \"|\" y; print s")
run(nucleotide_transformer_tasks --data nt --model cnn --epochs 1 --seeds 1 --out nt_out)
check_said("1 runs, 1 of them made now")
foreach(split train test)
  foreach(class 0 1)
    foreach(i RANGE 1 8)
      write_rows(gb/promoters/${split}/class_${class}/${i}.txt ${class}${i}7 2 "if (y == ${class}) printf \"%s\", s")
    endforeach()
  endforeach()
endforeach()
run(genomic_benchmarks --data gb --model cnn --epochs 1 --batch-size 4 --seeds 1 --protocol original --out gb_out --quiet)
run(gue --data gue --model cnn --epochs 1 --seeds 1 --out all)
string(FIND "${errors}" "note: toy/no_train has no training set and is left out" place)
if(place EQUAL -1)
  message(FATAL_ERROR "the task without training set was not named: ${errors}")
endif()

# Bad input.
set(quiet --quiet --out refused --json refused.json)
check_refused("--task: unknown task \\(did you mean 'toy/a'\\?\\)" gue --data gue --task toy/aa ${quiet})
check_refused("--model: unknown value \\(did you mean 'mamba'\\?\\)" gue --data gue --model mambo ${quiet})
check_refused("--protocol: unknown value" gue --data gue --protocol orginal ${quiet})
# Other tokens than single bases: rows as long as the longest in tokens; a checkpoint brings its tokenizer along.
run(gue --data gue --task toy/a --model cnn --tokenizer kmer-overlap:3 --epochs 1 --seeds 1 --out kmers --quiet)
file(READ ${WORK}/kmers/runs.csv text)
if(NOT text MATCHES "toy/a,cnn,kmer-overlap:3,strict,1,[^\n]*max_length\"\":58,")
  message(FATAL_ERROR "${text}")
endif()
run(pretrain --model mamba --fasta toy.fa --length 64 --steps 1 --batch-size 2 --d-model 8 --n-layer 1 --out kmer_backbone --quiet
    --tokenizer kmer:3)
run(gue --data gue --task toy/a --checkpoint kmer_backbone --epochs 1 --seeds 1 --out kmer_runs --quiet)
file(READ ${WORK}/kmer_runs/runs.csv text)
if(NOT text MATCHES "toy/a,mamba,kmer:3,strict,1,[^\n]*max_length\"\":20,")
  message(FATAL_ERROR "${text}")
endif()

check_refused("--seeds: the same seed stands twice" gue --data gue --seeds 1,1 ${quiet})
check_refused("--seeds: bad value" gue --data gue --seeds 1,x ${quiet})
check_refused("--epochs: bad value" gue --data gue --epochs 0 ${quiet})
check_refused("--learning-rate: bad value" gue --data gue --learning-rate nan ${quiet})
check_refused("hyperparameter max_length: too short for the CNN" gue --data gue --task toy/a --max-length 20 ${quiet})
check_refused("hyperparameter validation: task toy/b has no dev split" gue --data gue --task toy/b --validation dev ${quiet})
check_refused("hyperparameter frozen: the CNN is trained as a whole" gue --data gue --task toy/a --frozen ${quiet})
check_refused("--sweep exclude|--model: and --sweep exclude" gue --data gue --sweep sweep.json --model cnn ${quiet})
check_refused("model mamba: the checkpoint pretrained is another model's" gue --data gue --task toy/a --model mamba --checkpoint pretrained ${quiet})
file(COPY ${WORK}/pretrained/checkpoint DESTINATION ${WORK}/damaged)
file(WRITE ${WORK}/damaged/checkpoint/model.safetensors "short")
check_refused("damaged/checkpoint/model.safetensors" gue --data gue --task toy/a --checkpoint damaged ${quiet})
check_refused("--precision: fine-tuning is built in single precision; expected fp32, or bf16 with --device cuda" gue --data gue --precision fp64 ${quiet})
check_refused("--precision: the CNN has no bfloat16; expected fp32" gue --data gue --sweep sweep.json --slurm refused.sh --device cuda
              --precision bf16 ${quiet})
check_refused("tokenizer: no such tokenizer or file" gue --data gue --task toy/a --tokenizer bpe ${quiet})
file(READ ${CMAKE_CURRENT_LIST_DIR}/support/tiny_bpe.json json)
string(REPLACE "[PAD]" "[NOPE]" json "${json}")
file(WRITE ${WORK}/no_pad.json "${json}")
check_refused("[^\n]*rows cannot be padded: the vocabulary has no token for it" gue --data gue --task toy/a --tokenizer no_pad.json ${quiet})
check_refused("kmer:3 tokenizer: a strand-symmetric model" gue --data gue --task toy/a --model caduceus-ps --tokenizer kmer:3 ${quiet})
check_refused("tokenizer: the checkpoint pretrained has another tokenizer" gue --data gue --task toy/a --checkpoint pretrained --tokenizer kmer:3 ${quiet})
check_refused("nowhere: the data folder does not exist" gue --data nowhere ${quiet})
check_refused("toy/no_train: task without training set" gue --data gue --task toy/no_train ${quiet})

function(write_task name train test)
  file(MAKE_DIRECTORY ${WORK}/bad/${name})
  file(WRITE ${WORK}/bad/${name}/train.csv "${train}")
  if(NOT test STREQUAL "")
    file(WRITE ${WORK}/bad/${name}/test.csv "${test}")
  endif()
endfunction()
set(good "sequence,label\nACGT,0\nACGA,1\n")
write_task(broken "sequence,label\nACGT,0\nACGA\n" "${good}")
write_task(label "${good}" "sequence,label\nACGT,2\n")
write_task(missing "sequence,label\nACGT,0\nACGA,2\n" "${good}")
write_task(empty "sequence,label\nACGT,0\n,1\n" "${good}")
write_task(untested "${good}" "")
check_refused("[^\n]*broken/train.csv:3" gue --data bad --task broken ${quiet})
check_refused("[^\n]*label/test.csv:2" gue --data bad --task label ${quiet})
check_refused("[^\n]*missing/train.csv" gue --data bad --task missing ${quiet})
check_refused("[^\n]*empty/train.csv:3" gue --data bad --task empty ${quiet})
check_refused("untested: task without test set" gue --data bad --task untested ${quiet})
file(MAKE_DIRECTORY ${WORK}/other)
file(WRITE ${WORK}/other/runs.csv "a,b\n1,2\n")
check_refused("other/runs.csv:1: missing column 'task'[^\n]*found 'a,b'" gue --data gue --epochs 1 --seeds 1 --quiet --out other)
if(EXISTS ${WORK}/other/runs)
  message(FATAL_ERROR "a run was made before runs.csv was found to be another file")
endif()

# Lines go into the columns that the file has.
file(WRITE ${WORK}/older/runs.csv
     "seed,task,model,tokenizer,protocol,hyperparameters,accuracy,mcc,f1,precision,recall,auroc,auprc,epochs,status,later\n")
run(gue ${toy} --seeds 1 --quiet --out older)
run(gue ${toy} --seeds 1 --out older)
check_said("1 runs, 0 of them made now")
file(READ ${WORK}/older/runs.csv text)
if(NOT text MATCHES "\n1,toy/a,cnn,[^\n]*,2,ok,\n$")
  message(FATAL_ERROR "${text}")
endif()

# Results that would replace what is read, or a part of --out.
foreach(file fresh ./fresh/runs.csv fresh/runs/x.json)
  check_refused("--json: names --out or a part of it" gue ${toy} --out fresh --json ${file})
  check_refused("--slurm: names --out or a part of it" gue --data gue --sweep sweep.json --out fresh --slurm ${file})
endforeach()
foreach(file gue/toy/b/train.csv gue/new.json)
  check_refused("--json: lies in --data" gue ${toy} --out fresh --json ${file})
  check_refused("--slurm: lies in --data" gue --data gue --sweep sweep.json --out fresh --slurm ${file})
endforeach()
check_refused("--slurm: would replace an input file" gue --data gue --sweep sweep.json --out fresh --slurm ./sweep.json)
check_refused("--slurm: lies in the checkpoint pretrained" gue --data gue --sweep sweep.json --out fresh
              --slurm pretrained/checkpoint/config.json)
check_refused("--slurm: its folder does not exist" gue --data gue --sweep sweep.json --out fresh --slurm gone/x.sh)
check_refused("--slurm: is a folder" gue --data gue --sweep sweep.json --out fresh --slurm gb)
check_refused("--slurm-jobs: bad value; expected [^\n]* from 1 to 5" gue --data gue --sweep sweep.json --out fresh
              --slurm refused.sh --slurm-jobs 6)
file(WRITE ${WORK}/unknown.json [[{"tasks": ["toy/bb"], "seeds": [1], "models": ["cnn"]}]])
check_refused("unknown.json: field \"tasks\": unknown task \\(did you mean 'toy/b'" gue --data gue --sweep unknown.json ${quiet})

# Sizes that cannot be.
check_refused("d_model, n_layer, max_length, batch_size: a run of mamba on toy/b would need [^\n]* of memory" gue --data gue
              --task toy/b --model mamba --d-model 65536 --n-layer 4096 ${quiet})
foreach(sizes "d_state\": 4096" "dt_rank\": 65536" "d_conv\": 1024")
  file(REMOVE_RECURSE ${WORK}/lying)
  file(COPY ${WORK}/kmer_backbone/checkpoint DESTINATION ${WORK}/lying)
  file(READ ${WORK}/lying/checkpoint/config.json json)
  string(JSON json SET "${json}" n_layer 4096)
  string(JSON json SET "${json}" ssm_cfg "{\"expand\": 256, \"${sizes}}")
  file(WRITE ${WORK}/lying/checkpoint/config.json "${json}")
  check_refused("lying/checkpoint/config.json: the sizes need more weights than model.safetensors holds" gue --data gue
                --task toy/b --checkpoint lying ${quiet})
endforeach()
file(READ ${WORK}/kmer_backbone/checkpoint/config.json json)
string(JSON json SET "${json}" vocab_size 8)
file(WRITE ${WORK}/lying/checkpoint/config.json "${json}")
check_refused("lying/checkpoint/config.json: the checkpoint's vocabulary is smaller than the tokenizer's; expected at least"
              gue --data gue --task toy/b --checkpoint lying --seeds 1,2,3 ${quiet})

# Files that are none, and names that are no line of text.
execute_process(COMMAND sh -c "
  mkdir -p piped/t odd_class/t/train/a odd_class/t/test/a
  cp gue/toy/b/*.csv piped/t && mkfifo piped/x.tar.gz
  for split in train test; do
    mkdir odd_class/t/$split/$(printf 'b\\377')
    for class in odd_class/t/$split/*; do echo ACGT > \"$class\"/1.txt; done
  done
  mkdir odd_task && cp -r piped/t odd_task/$(printf 't\\377') && cp -r piped/t odd_task/good
" WORKING_DIRECTORY ${WORK} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the folders could not be made")
endif()
check_refused("piped/x.tar.gz: not a file; expected a regular file, found a pipe or device" gue --data piped ${quiet})
check_refused("odd_task: a name of a task or class cannot be written into a line of text; expected [^\n]*, found 't\\\\xff'" gue
              --data odd_task ${quiet})
run(gue --data odd_task --task good --seeds 1 --epochs 1 --out odd_task_runs --quiet)
check_refused("t: a name of a task or class cannot be written into a line of text; expected [^\n]*, found 'b\\\\xff'"
              genomic_benchmarks --data odd_class --max-length 60 ${quiet})
file(WRITE ${WORK}/lines/train.csv "sequence,label,task\nACGT,0,\"one\ntwo\"\nACGA,1,\"one\ntwo\"\nACGA,1,three\n")
file(WRITE ${WORK}/lines/test.csv "sequence,label,task\nACGT,0,\"one\ntwo\"\n")
check_refused("lines: a name of a task or class cannot be written" gue --data lines --max-length 60 ${quiet})

# A full disk: exit 1, one sentence that says how to go on, and no empty file.
execute_process(COMMAND sh -c "ulimit -f 0; exec ${PROGRAMS}/gue --data gue --task toy/b --epochs 1 --seeds 1,2 --quiet --out full"
                WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code ERROR_VARIABLE errors)
if(NOT code EQUAL 1 OR EXISTS ${WORK}/full/runs.csv
   OR NOT errors MATCHES "^gue: [^\n]*\\(once that is mended, the same command makes the runs that are left\\)[^\n]*\n$")
  message(FATAL_ERROR "exit code ${code}, said\n${errors}")
endif()
