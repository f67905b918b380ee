import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.Stores;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.Options;

/**
 * The pooling job in Kafka Streams: a sample is looked up (twice the same = dropped), gets the next slot of its partition's
 * open pool, is remembered in RocksDB, and its assignment is written; the tenth member seals the pool. Exactly once.
 *
 * Tuned, and why: two threads for two cores; a commit every second (the default under exactly_once_v2 is 100 ms: ten times
 * as many transactions); producers linger 50 ms with batches of 1 MiB; fetches of 8 MiB, 10,000 records a poll; RocksDB with large
 * write buffers, a bloom filter, no compression; no record cache and no copies of keys. Processor API, no DSL: no
 * repartitioning, no timestamped stores.
 */
public final class Pooling {
  private static final int POOL = 10;

  private Pooling() {}

  /** Arguments: brokers, application id, input, output, folder for state; for the job with all steps ({@link Steps}) also a topic for intake. */
  public static void main(String[] args) throws Exception {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, args[4]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20000);
    settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Tuned.class);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 50);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 1 << 20);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);

    Topology topology = new Topology();
    topology.addSource("in", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), args[2]);
    boolean steps = args.length > 5;
    topology.addProcessor("pool", steps ? Steps::new : Assign::new, "in");
    for (String store : steps ? new String[] {"tubes", "racks"} : new String[] {"seen"}) {
      topology.addStateStore(
          Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.ByteArray()), "pool");
    }
    if (steps) {
      topology.addStateStore(
          Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("pools"), Serdes.Long(), Serdes.ByteArray()), "pool");
      topology.addSink("seen", args[5], Serdes.String().serializer(), Serdes.ByteArray().serializer(), "pool");
    }
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("open"), Serdes.Integer(), Serdes.Long()), "pool");
    topology.addSink("out", args[3], Serdes.String().serializer(), Serdes.ByteArray().serializer(), "pool");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(
        problem -> {
          problem.printStackTrace();
          return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.start();
    // Until the other side closes the pipe.
    while (System.in.read() >= 0) {
      continue;
    }
    streams.close(Duration.ofSeconds(10));
  }

  /** One sample after another. */
  private static final class Assign implements Processor<String, byte[], String, byte[]> {
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> seen;
    private KeyValueStore<Integer, Long> open;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      seen = context.getStateStore("seen");
      open = context.getStateStore("open");
    }

    @Override
    public void process(Record<String, byte[]> sample) {
      if (seen.get(sample.key()) != null) {
        return;
      }
      Long assigned = open.get(0);
      long number = assigned == null ? 0 : assigned;
      long pool = number / POOL;
      int slot = (int) (number % POOL) + 1;
      byte[] seat = ByteBuffer.allocate(13).putLong(pool).putInt(slot).put((byte) (slot == POOL ? 1 : 0)).array();
      seen.put(sample.key(), seat);
      open.put(0, number + 1);
      context.forward(sample.withValue(seat));
    }
  }

  /** RocksDB for many new keys and few old ones. */
  public static final class Tuned implements RocksDBConfigSetter {
    private final BloomFilter filter = new BloomFilter(10, false);

    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
      BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
      table.setFilterPolicy(filter);
      options.setTableFormatConfig(table);
      options.setWriteBufferSize(64L << 20);
      options.setMaxWriteBufferNumber(4);
      options.setCompressionType(CompressionType.NO_COMPRESSION);
    }

    @Override
    public void close(String store, Options options) {
      filter.close();
    }
  }
}
