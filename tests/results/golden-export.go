Unit iops better=higher
Unit transactions_per_s better=higher
Unit packets_per_s better=higher
Unit throughput_bytes_per_s better=higher
Unit latency_mean_ns better=lower
Unit latency_p50_ns better=lower
Unit latency_p90_ns better=lower
Unit latency_p99_ns better=lower
Unit latency_p999_ns better=lower
Unit latency_p9999_ns better=lower
Unit latency_max_ns better=lower
Unit service_mean_ns better=lower
Unit service_p50_ns better=lower
Unit service_p99_ns better=lower
Unit slat_mean_ns better=lower
Unit clat_mean_ns better=lower
Unit rtt_min_ns better=lower
Unit rtt_mean_ns better=lower
Unit rtt_p50_ns better=lower
Unit rtt_p90_ns better=lower
Unit rtt_p99_ns better=lower
Unit rtt_p999_ns better=lower
Unit rtt_p9999_ns better=lower
Unit rtt_max_ns better=lower
Unit cpu_ns_per_io_task better=lower
Unit cpu_ns_per_io_sq_thread better=lower
Unit cpu_ns_per_io_system better=lower
Unit cpu_ns_per_packet_task better=lower
Unit cpu_ns_per_transaction_task better=lower
Unit server_cpu_ns_per_transaction better=lower
Unit cpu_left_per_io better=higher
Unit cpu_left_per_transaction better=higher
Unit cycles_per_transaction better=lower
Unit corunner_lost_share better=lower
Unit corunner_lost_per_io better=lower
Unit interrupts_per_io better=lower
Unit context_switches_per_io better=lower
Unit system_calls_per_io better=lower
Unit block_softirqs_per_io better=lower
Unit migrations_per_io better=lower
Unit interrupts_per_packet better=lower
Unit net_rx_softirqs_per_packet better=lower
Unit context_switches_per_transaction better=lower
Unit energy_nj_per_io better=lower

run: run-01
experiment: unnamed
started: 2026-01-01T00:00:00.000Z
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs=4096/iodepth=1/numjobs=1/open_loop=false 1 12424.5086852286 iops 50890787.5746961 throughput_bytes_per_s 80486.08 latency_mean_ns 78592 latency_p50_ns 97792 latency_p90_ns 124396 latency_max_ns 8978.28158236337 cpu_ns_per_io_task 1 interrupts_per_io 1 context_switches_per_io
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs=4096/iodepth=1/numjobs=1/open_loop=false 1 12552.9893061084 iops 51417044.1978201 throughput_bytes_per_s 79662.3 latency_mean_ns 78677.3333333333 latency_p50_ns 99840 latency_p90_ns 116636 latency_max_ns 8959.58605162186 cpu_ns_per_io_task 1 interrupts_per_io 1 context_switches_per_io
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs=4096/iodepth=1/numjobs=1/open_loop=false 1 12388.1013772843 iops 50741663.2413566 throughput_bytes_per_s 80722.62 latency_mean_ns 80512 latency_p50_ns 103936 latency_p90_ns 122150 latency_max_ns 9000.42166500718 cpu_ns_per_io_task 1 interrupts_per_io 1 context_switches_per_io
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs=4096/iodepth=1/numjobs=1/open_loop=false 1 11971.2078086752 iops 49034067.1843336 throughput_bytes_per_s 83533.76 latency_mean_ns 82048 latency_p50_ns 113152 latency_p90_ns 138879 latency_max_ns 9026.44803627987 cpu_ns_per_io_task 1 interrupts_per_io 1 context_switches_per_io
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs=4096/iodepth=1/numjobs=1/open_loop=false 1 11643.5635079542 iops 47692036.1285803 throughput_bytes_per_s 85884.36 latency_mean_ns 81749.3333333333 latency_p50_ns 112896 latency_p90_ns 152007 latency_max_ns 9000.3204074444 cpu_ns_per_io_task 1 interrupts_per_io 1 context_switches_per_io
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs=4096/iodepth=1/numjobs=1/open_loop=false 1 11688.4777557749 iops 47876004.8876539 throughput_bytes_per_s 85554.34 latency_mean_ns 81408 latency_p50_ns 120320 latency_p90_ns 140115 latency_max_ns 8994.3317199118 cpu_ns_per_io_task 1 interrupts_per_io 1 context_switches_per_io
BenchmarkUnnamed/mode=interrupt/target=scratch/workload=ioloop/placement=default/rw=randread/bs