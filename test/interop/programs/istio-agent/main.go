// Does what an istio-agent does: asks the authority of a mesh for a certificate by Istio's own stub, with a token or with the
// certificate that it has, and looks at the answer with Go's x509 and go-spiffe.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "istio.io/api/security/v1alpha1"
)

// What became of it, as JSON on stdout.
type outcome struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	SpiffeID string `json:"spiffeId"`
	// Whether the certificate that was given buys the next one.
	Renewed bool `json:"renewed"`
	Seconds int  `json:"seconds"`
}

var (
	address  = flag.String("ca", "", "host:port of the authority")
	roots    = flag.String("roots", "", "file with its roots")
	token    = flag.String("token", "", "what proves who this is")
	wanted   = flag.String("san", "", "SPIFFE ID in the certificate request; none by default")
	validity = flag.Int64("seconds", 3600, "how long the certificate is to last")
)

func main() {
	flag.Parse()
	if err := json.NewEncoder(os.Stdout).Encode(run()); err != nil {
		panic(err)
	}
}

func run() outcome {
	key, chain, err := ask(*token, nil)
	if err != nil {
		return failed(err)
	}
	id, pair, err := verify(key, chain)
	if err != nil {
		return failed(err)
	}
	_, _, renewal := ask("", pair)
	lasts := time.Until(pair.Leaf.NotAfter).Round(time.Minute)
	return outcome{Code: codes.OK.String(), SpiffeID: id, Renewed: renewal == nil, Seconds: int(lasts.Seconds())}
}

func failed(err error) outcome {
	answer, _ := status.FromError(err)
	return outcome{Code: answer.Code().String(), Message: answer.Message()}
}

func ask(bearer string, own *tls.Certificate) (crypto.Signer, []string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	request, err := newRequest(key)
	if err != nil {
		return nil, nil, err
	}
	connection, err := connect(own)
	if err != nil {
		return nil, nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if bearer != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "Authorization", "Bearer "+bearer, "ClusterID", "Kubernetes")
	}
	answer, err := pb.NewIstioCertificateServiceClient(connection).CreateCertificate(ctx, request)
	return key, answer.GetCertChain(), err
}

func newRequest(key crypto.Signer) (*pb.IstioCertificateRequest, error) {
	template := &x509.CertificateRequest{}
	if *wanted != "" {
		id, err := url.Parse(*wanted)
		if err != nil {
			return nil, err
		}
		template.URIs = []*url.URL{id}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	return &pb.IstioCertificateRequest{Csr: string(text), ValidityDuration: *validity}, nil
}

func connect(own *tls.Certificate) (*grpc.ClientConn, error) {
	text, err := os.ReadFile(*roots)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	config := &tls.Config{RootCAs: trusted, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	if own != nil {
		config.Certificates = []tls.Certificate{*own}
	}
	return grpc.NewClient(*address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
}

// The last of the chain is all roots, as istio-agents take it.
func verify(key crypto.Signer, answer []string) (string, *tls.Certificate, error) {
	if len(answer) < 2 {
		return "", nil, fmt.Errorf("the chain has %d parts", len(answer))
	}
	chain, trusted := strings.Join(answer[:len(answer)-1], ""), answer[len(answer)-1]
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, err
	}
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	svid, err := x509svid.Parse([]byte(chain), keyText)
	if err != nil {
		return "", nil, err
	}
	bundle, err := x509bundle.Parse(svid.ID.TrustDomain(), []byte(trusted))
	if err != nil {
		return "", nil, err
	}
	id, _, err := x509svid.Verify(svid.Certificates, bundle)
	if err != nil {
		return "", nil, err
	}
	pair, err := tls.X509KeyPair([]byte(chain), keyText)
	if err != nil {
		return "", nil, err
	}
	return id.String(), &pair, verifyByGo(pair.Leaf, chain, trusted)
}

func verifyByGo(leaf *x509.Certificate, chain, trusted string) error {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(trusted))
	intermediates.AppendCertsFromPEM([]byte(chain))
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	for _, usage := range usages {
		options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{usage}}
		if _, err := leaf.Verify(options); err != nil {
			return err
		}
	}
	return nil
}
