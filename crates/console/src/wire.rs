//! JSON to gRPC and back: each message by its descriptor, with the names of the .proto files. Persons are taken out
//! of every answer: a bench knows tubes only.

use crate::calls::{Call, Service};
use crate::refusal::Refusal;
use bytes::Buf as _;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;
use std::sync::LazyLock;
use std::time::Duration;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Longest wait for a connection to open.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Largest answer taken: a plate of 384 wells with all its readings is far below.
const ANSWER_MAX: usize = 16 << 20;

/// Fields of answers that name a person, or somebody who was near one.
const PERSONS: &[&str] = &["subject", "subjects", "collector"];

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(tenfold_proto::DESCRIPTORS).ok());

/// A method of a service, as its descriptor says.
#[derive(Clone, Debug)]
pub struct Method {
    path: PathAndQuery,
    input: MessageDescriptor,
    output: MessageDescriptor,
}

impl Method {
    /// The method of a call.
    ///
    /// # Errors
    /// The .proto files have no such method.
    pub fn of(call: Call) -> Result<Self, Refusal> {
        let service = format!("tenfold.v1.{}", call.service.name());
        let unknown = || Refusal::internal(format!("there is no {service}.{}", call.method));
        let method = POOL
            .as_ref()
            .and_then(|pool| pool.get_service_by_name(&service))
            .and_then(|service| service.methods().find(|m| m.name() == call.method))
            .ok_or_else(unknown)?;
        let path = format!("/{service}/{}", call.method);
        Ok(Self {
            path: PathAndQuery::try_from(path).map_err(|_| unknown())?,
            input: method.input(),
            output: method.output(),
        })
    }

    /// The message it takes.
    #[must_use]
    pub fn input(&self) -> MessageDescriptor {
        self.input.clone()
    }
}

/// Connections to the three services; each is opened when it is needed, and again after it broke.
#[derive(Clone, Debug)]
pub struct Wire {
    intake: Channel,
    pooling: Channel,
    results: Channel,
    call_max: Duration,
}

impl Wire {
    /// To the services at these addresses.
    ///
    /// # Errors
    /// What is wrong with an address.
    pub fn new(
        intake: &str,
        pooling: &str,
        results: &str,
        call_max: Duration,
    ) -> Result<Self, String> {
        let channel = |address: &str| {
            Endpoint::from_shared(address.to_owned())
                .map(|endpoint| {
                    endpoint
                        .connect_timeout(CONNECT_MAX)
                        .tcp_nodelay(true)
                        .http2_keep_alive_interval(Duration::from_secs(20))
                        .keep_alive_while_idle(true)
                        .connect_lazy()
                })
                .map_err(|error| format!("{address:?} is no address: {error}"))
        };
        Ok(Self {
            intake: channel(intake)?,
            pooling: channel(pooling)?,
            results: channel(results)?,
            call_max,
        })
    }

    fn channel(&self, service: Service) -> Channel {
        match service {
            Service::Intake => self.intake.clone(),
            Service::Pooling => self.pooling.clone(),
            Service::Results => self.results.clone(),
        }
    }

    /// Makes a call: a message as JSON in, a message as JSON out.
    ///
    /// # Errors
    /// The message cannot be read, the service refuses, or nobody answers.
    pub async fn call(&self, call: Call, body: Value) -> Result<Value, Refusal> {
        let method = Method::of(call)?;
        let message = DynamicMessage::deserialize(method.input.clone(), body)
            .map_err(|error| Refusal::unreadable(error.to_string()))?;
        let reply = self.unary(call.service, &method, message).await?;
        to_json(&reply)
    }

    async fn unary(
        &self,
        service: Service,
        method: &Method,
        message: DynamicMessage,
    ) -> Result<DynamicMessage, Refusal> {
        let mut client =
            tonic::client::Grpc::new(self.channel(service)).max_decoding_message_size(ANSWER_MAX);
        let mut request = Request::new(message);
        request.set_timeout(self.call_max);
        client
            .ready()
            .await
            .map_err(|error| Refusal::from(&Status::unavailable(error.to_string())))?;
        let codec = Dynamic(method.output.clone());
        client
            .unary(request, method.path.clone(), codec)
            .await
            .map(tonic::Response::into_inner)
            .map_err(|status| Refusal::from(&status))
    }
}

/// A message as JSON: names of the .proto files, enums by name, moments in milliseconds; no persons.
fn to_json(message: &DynamicMessage) -> Result<Value, Refusal> {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(true);
    let mut value = message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| Refusal::internal(format!("the answer cannot be told: {error}")))?;
    without_persons(&mut value);
    Ok(value)
}

fn without_persons(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !PERSONS.contains(&name.as_str()));
            fields.values_mut().for_each(without_persons);
        }
        Value::Array(items) => items.iter_mut().for_each(without_persons),
        _ => {}
    }
}

/// Writes any message, and reads one of this kind.
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Writes;
    type Decoder = Reads;

    fn encoder(&mut self) -> Writes {
        Writes
    }

    fn decoder(&mut self) -> Reads {
        Reads(self.0.clone())
    }
}

struct Writes;

impl Encoder for Writes {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(to)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

struct Reads(MessageDescriptor);

impl Decoder for Reads {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        DynamicMessage::decode(self.0.clone(), bytes)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_taken_out_however_deep_they_are() {
        let mut answer = serde_json::json!({
            "sample": { "barcode": "AB12345678", "subjects": ["p-1"], "collector": "c-1" },
            "orders": [{ "tube": "lab-1/T1", "subject": "p-1" }],
        });
        without_persons(&mut answer);
        assert_eq!(
            answer,
            serde_json::json!({
                "sample": { "barcode": "AB12345678" },
                "orders": [{ "tube": "lab-1/T1" }],
            })
        );
    }

    /// Messages that an answer may hold, at any depth.
    fn told() -> Vec<MessageDescriptor> {
        let mut found: Vec<MessageDescriptor> = Vec::new();
        let mut left: Vec<MessageDescriptor> = crate::calls::CALLS
            .iter()
            .map(|call| Method::of(*call).expect("a method").output)
            .collect();
        while let Some(message) = left.pop() {
            if !found.contains(&message) {
                left.extend(message.fields().filter_map(|field| {
                    let kind = field.kind();
                    kind.as_message().cloned()
                }));
                found.push(message);
            }
        }
        found
    }

    #[test]
    fn every_field_that_names_a_person_is_on_the_list() {
        let told = told();
        assert!(told.len() > 40, "answers hold {} messages", told.len());
        // Whoever adds a field of such a name to an answer finds this list.
        for field in told.iter().flat_map(MessageDescriptor::fields) {
            let name = field.name();
            let person = name.contains("subject") || name.contains("person");
            if person || name.contains("collector") {
                assert!(PERSONS.contains(&name), "{}", field.full_name());
            }
        }
    }
}
