//! Compiles the .proto files without protoc.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "tenfold/lane/v1/lane.proto",
        "tenfold/lane/v1/archive.proto",
        "tenfold/lane/v1/head.proto",
        "tenfold/lane/v1/snapshot.proto",
        "tenfold/v1/sample.proto",
        "tenfold/v1/registration.proto",
        "tenfold/v1/messages.proto",
        "tenfold/v1/intake.proto",
        "tenfold/v1/pooling.proto",
        "tenfold/v1/pooling_journal.proto",
        "tenfold/v1/results.proto",
        "tenfold/v1/results_explained.proto",
        "tenfold/v1/results_journal.proto",
        "tenfold/v1/results_lane.proto",
        "tenfold/v1/operations.proto",
    ];
    println!("cargo:rerun-if-changed=tenfold");
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(
        out.join("descriptors.bin"),
        prost::Message::encode_to_vec(&descriptors),
    )?;
    // Names let a program write any message as JSON, found in the descriptors by its name.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
